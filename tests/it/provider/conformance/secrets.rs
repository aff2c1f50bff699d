//! No secret of the configuration, and no token that a tenant handed out, is seen anywhere.

use std::collections::BTreeSet;
use std::path::Path;

use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::json;

use crate::common::workspace::Workspace;
use crate::provider::conformance::changes::Staff;
use crate::provider::conformance::changes::go;
use crate::provider::conformance::changes::wanted;
use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::house::people;
use crate::provider::conformance::proxy::Proxy;
use crate::provider::conformance::truth;

fn all_secrets(one: &One) -> BTreeSet<String> {
    let mut all = truth::secrets(one);
    all.extend(one.proxy.as_ref().unwrap().tokens());
    all
}

/// What a tenant could repeat.
fn echo(one: &One) -> Vec<String> {
    let mut all = truth::secrets(one);
    all.extend(one.proxy.as_ref().unwrap().carried());
    all.into_iter().collect()
}

#[track_caller]
fn hides(text: &str, secrets: &BTreeSet<String>, about: &str) {
    assert!(
        !secrets.is_empty(),
        "{about}: there is no secret to look for"
    );
    for secret in secrets {
        assert!(
            !text.contains(secret.as_str()),
            "{about}: {secret} in {text}"
        );
    }
}

/// All that can be had from an adapter, as text.
async fn everything(one: &One) -> String {
    let mut text = format!("{:?}\n{:?}\n", one.adapter, one.rehearsal);
    let read = one.read().await;
    text += &format!("{read:?}\n");
    if let Err(error) = &read {
        text += &format!("{error}\n");
    }
    let walk = one.adapter.activity(&[], one.now(), &|_| {}).await;
    text += &format!("{walk:?}\n{:?}\n", one.adapter.check().await);
    let ids = read.iter().flat_map(|r| &r.accounts).map(|a| a.id.clone());
    let ids: Vec<_> = ids
        .take(3)
        .chain(["nobody@example.com".to_owned()])
        .collect();
    for id in ids {
        text += &format!("{:?}\n", one.adapter.account(&id).await);
        text += &format!("{:?}\n", one.adapter.owned(&id).await);
    }
    text += &format!("{:?}\n{:?}\n", one.adapter.clock().await, one.adapter);
    text
}

#[tokio::test]
async fn neither_what_is_read_nor_what_fails_shows_a_secret() {
    for (name, start) in cases() {
        let mut one = Plan::new(start, people(60)).proxied().hasty().open();
        let mut text = everything(&one).await;
        // A tenant that repeats the credential in its errors.
        let echoed = echo(&one);
        for status in [200, 400, 401, 403, 404, 500] {
            let body = json!({ "message": echoed.join(" "), "error": echoed });
            let body = Some(body.to_string());
            let fault = Fault::Status { status, body };
            one.renew();
            one.rehearsal
                .control
                .add_fault(FaultRule::always(Matcher::default(), fault));
            text += &everything(&one).await;
            one.rehearsal.control.clear_faults();
        }
        hides(&text, &all_secrets(&one), name);
    }
}

#[tokio::test]
async fn neither_orders_nor_images_nor_answers_show_a_secret() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(300)).proxied().hasty().open();
        let mut staff = Staff::of(&one).await;
        let mut text = String::new();
        for does in wanted(&one) {
            let account = staff.next(&one, does).await;
            let (target, _, sent) = go(&one, &account, &staff.heir, does, None).await;
            text += &format!("{target:?} {sent:?}");
            for status in [200, 400, 401, 403, 409, 500] {
                let account = staff.next(&one, does).await;
                let (target, order, _) = go(&one, &account, &staff.heir, does, Some(0)).await;
                let order = order.unwrap();
                let echoed = echo(&one);
                let body = json!({ "error": { "message": echoed.join(" ") }, "details": echoed });
                let body = Some(body.to_string());
                let fault = Fault::Status { status, body };
                let control = &one.rehearsal.control;
                control.add_fault(FaultRule::always(Matcher::default(), fault));
                let answer = one.adapter.execute(&target, &order).await;
                let settled = one.adapter.settle(&target, does).await;
                control.clear_faults();
                text += &format!("{order:?} {} {answer:?} {settled:?}", order.request.text());
            }
        }
        hides(&text, &all_secrets(&one), name);
    }
}

/// Every file below a directory but those that hold secrets on purpose.
fn files(under: &Path, found: &mut Vec<(String, Vec<u8>)>, kept: &dyn Fn(&str) -> bool) {
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            files(&path, found, kept);
        } else if !kept(&name) {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn neither_the_screen_nor_ledger_nor_vault_nor_any_file_shows_a_secret() {
    for (name, start) in cases() {
        let one = Plan::new(start, people(60)).open();
        let proxy = Proxy::before(&one.rehearsal.url);
        let ws = Workspace::new();
        let section = one
            .rehearsal
            .toml("one")
            .replace(&one.rehearsal.url, &proxy.url);
        ws.configure(&[
            &section,
            "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\n\
             after_days = 30\nnotice_days = [7]\nsteps = [{ do = \"disable\" }]\n"
                .replace("disable", one.adapter.kind().steps[0].does.as_str())
                .as_str(),
        ]);
        for (file, secret) in one.rehearsal.files("one") {
            ws.write(&file, &secret);
        }
        let mut screen = String::new();
        let mut ran = |args: &[&str]| screen += &ws.run(args).screen();
        ran(&["init"]);
        ran(&["check"]);
        ran(&["sync"]);
        ran(&["plan", "--out", "plan.json"]);
        ran(&["accounts", "--json"]);
        for status in [401, 500] {
            let echoed: Vec<_> = proxy.carried().into_iter().collect();
            let body = Some(json!({ "message": echoed, "error": echoed }).to_string());
            let fault = Fault::Status { status, body };
            let control = &one.rehearsal.control;
            control.add_fault(FaultRule::always(Matcher::default(), fault));
            ran(&["sync"]);
            ran(&["check"]);
            control.clear_faults();
        }
        ran(&["log", "--from", "0", "--json"]);
        let mut secrets = truth::secrets(&one);
        secrets.extend(proxy.tokens());
        hides(&screen, &secrets, name);
        let mut found = Vec::new();
        // Alteryx gives a new refresh token with each use: the newest is kept beside the vault.
        let kept = |file: &str| file.starts_with("one.") || file.contains("token");
        files(&ws.path("."), &mut found, &kept);
        assert!(
            found.iter().any(|(f, _)| f.ends_with("exeunt-vault.db")),
            "{name}"
        );
        for (file, bytes) in found {
            for secret in &secrets {
                let there = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                assert!(!there, "{name}: {secret} in {file}");
            }
        }
    }
}
