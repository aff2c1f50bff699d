use std::fs;

use super::*;

fn account(product: &str, tenant: &str) -> NoticeAccount {
    NoticeAccount {
        key: "s_1-idle-30-2026-03-18".to_owned(),
        tenant: tenant.to_owned(),
        provider: "docspace",
        product: product.to_owned(),
        when: When::Inactive,
        does: Do::Disable,
        effect: "As the adapter says.".to_owned(),
        acts_at: Time::parse("2026-03-18T08:05:00Z").unwrap(),
        since: Time::parse("2025-12-01T10:00:00Z").unwrap(),
    }
}

fn notice(language: Language) -> Notice {
    Notice {
        to: "ada@house.test".to_owned(),
        name: Some("Ada {name} Müller".to_owned()),
        language,
        at: Time::from_seconds(0),
        accounts: vec![account("ONLYOFFICE DocSpace", "portal")],
    }
}

fn own(text: &str) -> Result<Library, TextMistake> {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("de.txt"), text).unwrap();
    Library::new(Some(home.path())).map_err(|mut mistake| {
        let folder = format!("{}/", home.path().display());
        mistake.at = mistake.at.replace(&folder, "");
        mistake
    })
}

#[test]
fn each_language_has_the_same_texts_and_each_is_sound() {
    let english: Vec<_> = read::sections(Language::En, None)
        .unwrap()
        .into_keys()
        .collect();
    for language in Language::ALL {
        let sections: Vec<_> = read::sections(*language, None)
            .unwrap()
            .into_keys()
            .collect();
        assert_eq!(sections, english, "{language:?}");
        // the built-in file is fit to be edited: it passes as a file of one's own
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(format!("{}.txt", language.code()));
        fs::write(file, language.file()).unwrap();
        assert_eq!(
            Library::new(Some(home.path())).unwrap(),
            Library::new(None).unwrap()
        );
    }
}

#[test]
fn what_was_put_in_is_not_looked_at_again() {
    let written = Library::new(None)
        .unwrap()
        .write(&notice(Language::En), None);
    assert!(
        written.text.starts_with("Hello Ada {name} Müller,\n"),
        "{}",
        written.text
    );
    assert!(!written.text.contains("{done}"), "{}", written.text);
}

#[test]
fn the_date_is_absolute_and_has_its_time_zone() {
    let library = Library::new(None).unwrap();
    let says = |language| library.write(&notice(language), Some("it@house.test")).text;
    assert!(says(Language::En).contains("Wednesday, 18 March 2026, 08:05 UTC"));
    assert!(says(Language::De).contains("Mittwoch, 18. März 2026, 08:05 Uhr (UTC)"));
    assert!(says(Language::Fr).contains("mercredi 18 mars 2026 à 08:05 (UTC)"));
}

#[test]
fn a_part_of_the_texts_can_be_ones_own() {
    let library = own("[greeting]\nMoin {name},\n").unwrap();
    let text = library.write(&notice(Language::De), None).text;
    assert!(
        text.starts_with("Moin Ada {name} Müller,\n\nIhr Konto"),
        "{text}"
    );
}

#[test]
fn a_text_that_does_not_fit_is_refused_with_its_line() {
    let cases = [
        (
            "[greeting]\nMoin\n{nmae},\n",
            "de.txt:3",
            "{nmae}",
            "{name}",
        ),
        ("[subjekt]\nHallo\n", "de.txt:1", "[subjekt]", "export"),
        ("Hallo\n", "de.txt:1", "before the first name", "[subject]"),
        (
            "[text]\nIhr Konto wird bald {done}. {keep}\n",
            "de.txt:1",
            "{date}",
            "{keep}",
        ),
        (
            "[keep.inactive]\n\n\nSehen Sie {effect}.\n",
            "de.txt:4",
            "{effect}",
            "plain words",
        ),
        ("[months]\nJanuar\n", "de.txt:1", "1 words", "12 words"),
        (
            "[day]\n{day}\n[day]\n{day}\n",
            "de.txt:3",
            "second time",
            "once",
        ),
    ];
    for (text, at, says, right) in cases {
        let mistake = own(text).unwrap_err();
        assert_eq!(mistake.at, at, "{mistake:?}");
        assert!(mistake.says.contains(says), "{mistake:?}");
        assert!(mistake.right.contains(right), "{mistake:?}");
    }
}
