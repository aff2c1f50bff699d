//! What people read, in three languages; and texts of one's own.

use std::fs;

use insta::assert_snapshot;
use insta::with_settings;

use crate::json::fits;
use crate::notices::post::DIETER;
use crate::notices::post::Post;

#[test]
fn the_mail_in_three_languages() {
    for language in ["en", "de", "fr"] {
        let lines = format!("language = \"{language}\"\nreply_to = \"it-help@house.test\"");
        let post = Post::new("submission", &lines);
        post.ws.run(&["run"]).exits(0);
        let mail = post.mail_to(DIETER);
        let shown = format!(
            "To: {}\nReply-To: {}\nSubject: {}\n\n{}",
            mail.to, mail.reply_to, mail.subject, mail.text
        );
        with_settings!(
            { snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
            { assert_snapshot!(format!("notice_{language}"), shown) }
        );
    }
}

#[test]
fn a_preview_shows_the_text_of_each_tenant_in_its_language() {
    let post = Post::new("open", "");
    post.ws
        .reconfigure("name = \"portal\"", "name = \"portal\"\nlanguage = \"de\"");
    post.ws
        .run(&["notices", "preview"])
        .exits(0)
        .says("Guten Tag Ada Example,")
        .says("Donnerstag, 18. März 2027, 08:00 Uhr (UTC)");
    let shown = post.ws.json(&["notices", "preview", "--language", "fr"]);
    fits("notices-preview", &shown);
    assert!(shown["text"].as_str().unwrap().starts_with("Bonjour"));
    post.ws
        .run(&["notices", "preview", "--tenant", "portla"])
        .exits(64)
        .says("did you mean `portal`?");
}

#[test]
fn texts_are_exported_edited_and_held_to_what_can_be_put_in() {
    let post = Post::new("open", "");
    post.ws.run(&["notices", "export", "texts"]).exits(0);
    post.ws
        .reconfigure("[notices]", "[notices]\ntemplates = \"texts\"");
    let before = post.ws.run(&["notices", "preview"]).exits(0);
    let file = post.ws.path("texts/en.txt");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().position(|l| l == "Hello {name},").unwrap() + 1;
    fs::write(&file, text.replace("Hello {name},", "Dear {name},")).unwrap();
    let after = post.ws.run(&["notices", "preview"]).exits(0);
    assert_eq!(after.out, before.out.replace("Hello Ada", "Dear Ada"));
    fs::write(&file, text.replace("Hello {name},", "Hello {nmae},")).unwrap();
    for args in [["notices", "preview"], ["notices", "list"]] {
        post.ws
            .run(&args)
            .exits(78)
            .says(&format!("texts/en.txt:{line}"))
            .says("{nmae} cannot stand in [greeting]")
            .says("hint: {name}");
    }
    // what somebody has edited is not overwritten
    post.ws
        .run(&["notices", "export", "texts"])
        .exits(0)
        .says("left as it is");
    assert!(fs::read_to_string(&file).unwrap().contains("{nmae}"));
}
