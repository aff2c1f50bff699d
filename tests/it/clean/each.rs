//! The whole way at each product: wrong keys, a mistyped address, a stop before the number, the
//! calls, and the evidence.

use std::net::TcpListener;

use exeunt::provider::KINDS;
use exeunt::sandbox::alteryx::AlteryxHandle;
use exeunt::sandbox::estate::Rehearsal;
use exeunt::sandbox::tenant::GateAt;
use exeunt::sandbox::tenant::Matcher;

use crate::clean::products;
use crate::clean::products::Tenant;
use crate::clean::products::Way;
use crate::clean::steps::connects;
use crate::clean::steps::out;
use crate::clean::steps::place;
use crate::clean::steps::secrets_are_kept;
use crate::clean::steps::web_page;
use crate::common::gates::held;
use crate::common::screen::Screen;
use crate::common::workspace::Workspace;

#[test]
fn projectplace() {
    from_a_wrong_key_to_the_evidence(&products::projectplace());
}

#[test]
fn alteryx() {
    from_a_wrong_key_to_the_evidence(&products::alteryx());
}

#[test]
fn port() {
    from_a_wrong_key_to_the_evidence(&products::port());
}

#[test]
fn huwise() {
    from_a_wrong_key_to_the_evidence(&products::huwise());
}

#[test]
fn docspace() {
    from_a_wrong_key_to_the_evidence(&products::docspace());
}

#[test]
fn scim() {
    from_a_wrong_key_to_the_evidence(&products::scim());
}

#[test]
fn every_product_has_its_test() {
    let text = include_str!("each.rs");
    for kind in KINDS {
        let name = kind.name;
        assert!(text.contains(&format!("#[test]\nfn {name}()")), "{name}");
    }
}

fn from_a_wrong_key_to_the_evidence(tenant: &Tenant) {
    let ws = Workspace::new();
    let (kept, left) = (&tenant.members[0], tenant.left);
    let first = until_the_number(tenant, &ws);
    assert_eq!(out(tenant), 0);

    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Go on with a clean-up that is here?", "")
        .sees("everyone but the protected")
        .sees(kept);
    if tenant.hands_over {
        screen.sees(&format!("takes over {kept}"));
    }
    screen
        .says("1 go on with that", "1")
        .says(&format!("Type {left} to"), &left.to_string())
        .sees(&format!("1 of {left} done"))
        .sees(&format!("{left} of {left} done"))
        .sees(&format!("{left} accounts {}.", tenant.step.1))
        .sees("The evidence")
        .sees("why ADDRESS");
    let second = screen.ends(0);
    let back = tenant.step.1 == "disabled";
    assert_eq!(second.contains("restore ADDRESS"), back, "{second}");
    assert_eq!(out(tenant), left);
    assert!(!(tenant.is_out)(kept), "the protected one is out");
    secrets_are_kept(&ws, tenant, &[first, second]);

    // What the end says can be typed.
    let toml = format!("{}/exeunt.toml", place(&tenant.url));
    ws.run(&["-C", &toml, "verify"]).exits(0).says("good:");
    let why = ws.run(&["-C", &toml, "why", &tenant.members[1]]).exits(0);
    why.says("everyone.cleared-out");
    if back {
        let gone = &tenant.members[1];
        let args = [
            "-C",
            &toml,
            "restore",
            gone,
            "--reason",
            "came back",
            "--confirm",
            "1",
        ];
        ws.run(&args).exits(0);
        assert!(!(tenant.is_out)(gone), "not given back");
    }
}

/// From the first question up to a stop before the number; what was shown.
fn until_the_number(tenant: &Tenant, ws: &Workspace) -> String {
    let left = tenant.left;
    let number = format!("Type {left} to");
    let mut screen = Screen::start(ws, "clean");
    tenant.chosen(&mut screen);
    tenant.enter(&mut screen, Way::Wrong);
    screen
        .sees("what you pasted")
        .sees("another tenant or region")
        .says("What now?", "1");
    tenant.enter(&mut screen, Way::Again);
    screen
        .sees("nothing is changed")
        .sees("Protected in any case:");
    protects(&mut screen, tenant);
    screen
        .sees("Whom is it about?")
        .sees(&format!("everyone but the protected ({left} accounts)"));
    // Everyone is the last one in the list.
    let last = if screen.text().contains("2 everyone") {
        "2"
    } else {
        "3"
    };
    screen
        .types(last)
        .says("What is to be done with them?", tenant.step.0);
    if tenant.hands_over {
        hands_over(&mut screen, tenant);
    }
    screen
        .sees("What would be done in")
        .sees(&format!("{left} accounts"))
        .sees("Why: A clear-out is due for everyone but the protected.")
        .sees("ACCOUNT")
        .sees(&tenant.members[1]);
    if let Some(owned) = tenant.owns {
        screen
            .sees(owned)
            .sees(&format!("What they own goes to {}.", tenant.members[0]));
    }
    screen
        .sees("Stays:")
        .sees("Nothing has been changed yet.")
        .sees(&number)
        .types("9")
        .sees(&format!("The list has {left} accounts."))
        .sees(&number)
        .ctrl_c()
        .sees("Stopped. Nothing was changed")
        .sees("To go on, in this directory: exeunt clean");
    screen.ends(130)
}

/// Protects one of the members, mistyped first.
fn protects(screen: &mut Screen, tenant: &Tenant) {
    let kept = &tenant.members[0];
    let mistyped = format!("x{kept}");
    screen
        // Pasted at once, with an empty line in it.
        .says(
            "Who must stay?",
            &format!("Somebody <{mistyped}>\n\nno address here"),
        )
        .types("")
        .sees(&format!("NOT FOUND {mistyped}"))
        .sees("NOT AN ADDRESS no address here")
        .sees("Did you mean one of these?")
        .sees(&format!("1 {kept}"))
        // Nothing goes on while an address is nobody's.
        .says("or `leave out`:", "")
        .says("or `leave out`:", "1")
        .sees(&format!("found {kept}"))
        .says("is not an address", "leave out")
        .sees("it protects nobody");
}

/// Names who takes over, mistyped first.
fn hands_over(screen: &mut Screen, tenant: &Tenant) {
    let heir = &tenant.members[0];
    screen
        .sees("Who gets what they own?")
        .says("takes over, or `nobody` [nobody]:", &format!("x{heir}"))
        .sees("Nobody here has the address")
        .sees(&format!("near: {heir}"))
        .says("takes over, or `nobody`", heir)
        .sees(&format!("found {heir}"));
}

/// Where a tenant hides whom programs work as, its owner can name them, and need not.
#[test]
fn programs_are_named_where_the_tenant_does_not_show_them() {
    let tenant = products::huwise_alone();
    let asked = "an empty line alone is right";
    let ws = Workspace::new();
    let mut screen = Screen::start(&ws, "clean");
    connects(&mut screen, &tenant);
    screen
        .sees("Whom do programs work as?")
        .says(asked, "")
        .sees("Nobody is named, so all accounts that were ever used stay.")
        .sees("Who must stay?")
        .ctrl_c();
    screen.ends(130);

    let ws = Workspace::new();
    let machine = products::address(0);
    let mut screen = Screen::start(&ws, "clean");
    connects(&mut screen, &tenant);
    screen
        .says(asked, &machine)
        .types("")
        .sees(&format!("found {machine}"))
        .says("so that no program works as anybody else?", "y")
        .says("Who must stay?", &tenant.members[0])
        .types("")
        .sees("Whom is it about?")
        .sees("everyone but the protected (")
        .ctrl_c();
    screen.ends(130);
    let toml = std::fs::read_to_string(ws.path(&format!("{}/exeunt.toml", place(&tenant.url))));
    let toml = toml.unwrap();
    assert!(
        toml.contains(&format!("service_accounts = [\n    \"{machine}\",\n]")),
        "{toml}"
    );
}

/// What answers is no API at all; the same keys are then tried at the right address.
#[test]
fn another_host_or_region() {
    for start in [
        products::alteryx,
        products::projectplace,
        products::port,
        products::huwise,
        products::scim,
    ] {
        let tenant = start();
        let ws = Workspace::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || web_page(&listener));
        let mut screen = Screen::start(&ws, "clean");
        let at = KINDS.iter().position(|k| k.title == tenant.title).unwrap();
        screen
            .says("Which product is it?", &(at + 1).to_string())
            .says("The address of your", &other);
        tenant.enter(&mut screen, Way::Right);
        screen
            .sees("region")
            .says("What now?", "2")
            .says("The address of your", &tenant.url)
            .sees("What you pasted is tried there.")
            .sees("The tenant lists")
            .sees("Who must stay?")
            .ctrl_c()
            .sees("Stopped.");
        screen.ends(130);
        assert!(!ws.path(&place(&other)).exists(), "{}", tenant.title);
        assert!(ws.path(&place(&tenant.url)).exists());
    }
}

/// Whoever stops between the hand-over and the removal has the account in hand removed, and no
/// other one touched.
#[test]
fn a_stop_between_two_calls_for_one_account() {
    let tenant = products::alteryx();
    let of = tenant.server.downcast_ref::<Rehearsal>().unwrap();
    let control = of.server::<AlteryxHandle>().unwrap().control();
    let ws = Workspace::new();
    let mut screen = Screen::start(&ws, "clean");
    connects(&mut screen, &tenant);
    screen
        .says("Who must stay?", &tenant.members[0])
        .types("")
        .sees("Whom is it about?")
        .says("Its number", "2")
        .says("What is to be done with them?", "2")
        .says("takes over, or `nobody`", &tenant.members[0])
        .sees("Type 5 to");
    let gate = control.pause(Matcher::new("PATCH", ""), GateAt::Before);
    screen.types("5");
    held(|| control.held(gate));
    screen.ctrl_c().sees("Stopping after the account in hand");
    control.release(gate);
    screen
        .sees("1 account removed.")
        .sees("You stopped; 4 are left. To go on: exeunt clean");
    screen.ends(130);
    assert_eq!(out(&tenant), 1);
}
