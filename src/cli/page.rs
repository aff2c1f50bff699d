//! The report as one page of HTML: no scripts, nothing from elsewhere, good to print.

use std::fmt::Write as _;

use crate::cli::output::escape;
use crate::cli::output::plural;
use crate::cli::report::cannot_say;
use crate::cli::report::day;
use crate::cli::report::leavers_are_known;
use crate::cli::report::ramp_says;
use crate::cli::report::sorts;
use crate::domain::account::Do;
use crate::domain::code;
use crate::domain::ramp::Ramp;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::domain::source::SourceKind;
use crate::domain::time::DAY_SECONDS;
use crate::engine::survey::AccountShown;
use crate::engine::survey::Counts;
use crate::engine::survey::RuleShown;
use crate::engine::survey::Survey;
use crate::engine::survey::TenantSurvey;
use crate::engine::tell;

/// The most rows of one table; the rest is said to be elsewhere.
const MOST_ROWS: usize = 500;

/// More days than these are shown as weeks.
const MOST_DAYS: usize = 21;

/// The colours of the sorts of accounts; they stand at each shape, so that a page that is copied into
/// something without its style keeps them.
const COLOURS: [&str; 6] = [
    "#b3261e", "#d98200", "#6b4fa0", "#2e7d4f", "#7fb2d9", "#b9c0c7",
];

const STYLE: &str = include_str!("page.css");

/// Text as it may stand in HTML; what would steer a reader stands as an escape.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Makes the page.
pub fn page(survey: &Survey) -> String {
    let mut out = String::new();
    let origin = html(&survey.origin);
    let date = survey.as_of.day();
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n",
    );
    put(
        &mut out,
        &format!("<title>Exeunt report, {origin}, {date}</title>"),
    );
    put(
        &mut out,
        &format!("<style>\n{STYLE}</style>\n</head>\n<body>"),
    );
    put(
        &mut out,
        &format!(
            "<header><h1>Who is still in</h1>\n<p>{origin}, as of {}. Everything here was read; \
             nothing was changed.</p></header>\n<main>",
            tell::moment(survey.as_of)
        ),
    );
    doubts(&mut out, survey);
    totals(&mut out, survey);
    for tenant in &survey.tenants {
        tenant_section(&mut out, survey, tenant);
    }
    if survey.tenants.is_empty() {
        put(
            &mut out,
            "<p>No tenant was read yet: <code>exeunt sync</code>.</p>",
        );
    }
    rules(&mut out, &survey.rules);
    sources(&mut out, survey);
    put(
        &mut out,
        &format!(
            "</main>\n<footer>Made by {} from entry {} of the ledger, link <code>{}</code>. This page \
             names people: keep it as you keep such lists.</footer>\n</body>\n</html>",
            crate::ledger::SOFTWARE,
            survey.head.seq,
            html(&survey.head.link)
        ),
    );
    out
}

fn put(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn doubts(out: &mut String, survey: &Survey) {
    let lines = cannot_say(survey);
    if lines.is_empty() {
        return;
    }
    put(
        out,
        "<section class=\"doubt\"><h2>What this page cannot say</h2>\n<ul>",
    );
    for line in lines {
        put(out, &format!("<li>{}</li>", html(&line)));
    }
    put(out, "</ul></section>");
}

fn totals(out: &mut String, survey: &Survey) {
    let sum = |of: fn(&Counts) -> u64| survey.tenants.iter().map(|t| of(&t.counts)).sum::<u64>();
    let tiles = [
        (
            match survey.people_left {
                1 => "person has left",
                _ => "people have left",
            },
            survey.people_left,
            "",
        ),
        (
            "accounts of leavers still work",
            sum(|c| c.leavers),
            "leavers",
        ),
        ("accounts proved idle", sum(|c| c.idle), "idle"),
        ("accounts unknown", sum(|c| c.unknown), "unknown"),
        ("accounts in all", sum(|c| c.accounts), ""),
    ];
    put(out, "<section class=\"totals\" aria-label=\"In short\">");
    for (says, number, class) in tiles {
        put(
            out,
            &format!("<p class=\"tile {class}\"><b>{number}</b> <span>{says}</span></p>"),
        );
    }
    put(out, "</section>");
}

fn tenant_section(out: &mut String, survey: &Survey, tenant: &TenantSurvey) {
    let product = tenant.product.map_or(String::new(), |product| {
        format!(" <small>{}</small>", html(product))
    });
    put(
        out,
        &format!(
            "<section class=\"tenant\"><h2>{}{product}</h2>",
            html(tenant.tenant.as_str())
        ),
    );
    bar(out, tenant);
    leavers(out, tenant);
    idle(out, tenant);
    unknown(out, tenant);
    nothing(out, survey, tenant);
    ramp(out, tenant);
    put(out, "</section>");
}

/// One bar of all accounts of a tenant, each sort with its number below.
fn bar(out: &mut String, tenant: &TenantSurvey) {
    let counts = &tenant.counts;
    let sorts = sorts(counts);
    let says: Vec<_> = sorts
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    put(
        out,
        &format!(
            "<svg class=\"bar\" viewBox=\"0 0 1000 28\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\">",
            html(&says.join(", "))
        ),
    );
    let mut before = 0;
    let at = |n: u64| n.saturating_mul(1000) / counts.accounts.max(1);
    let coloured = || sorts.iter().zip(COLOURS);
    for ((_, count), colour) in coloured().filter(|((_, n), _)| *n > 0) {
        let (from, to) = (at(before), at(before + count));
        // the smallest share is still to be seen
        let width = to.saturating_sub(from).max(2);
        put(
            out,
            &format!(
                "<rect fill=\"{colour}\" x=\"{from}\" y=\"0\" width=\"{width}\" height=\"28\"/>"
            ),
        );
        before += count;
    }
    put(out, "</svg>\n<ul class=\"legend\">");
    for ((name, count), colour) in coloured() {
        put(
            out,
            &format!("<li><i style=\"background:{colour}\"></i>{name}: {count}</li>"),
        );
    }
    put(out, "</ul>");
    put(
        out,
        &format!(
            "<p>{}; {} to nobody in any directory, {} protected.</p>",
            plural(counts.accounts, "account"),
            belong(counts.orphans),
            match counts.protected {
                1 => "1 is".to_owned(),
                n => format!("{n} are"),
            }
        ),
    );
}

fn belong(count: u64) -> String {
    match count {
        1 => "1 belongs".to_owned(),
        n => format!("{n} belong"),
    }
}

fn leavers(out: &mut String, tenant: &TenantSurvey) {
    if tenant.leavers.is_empty() {
        return;
    }
    put(out, "<h3>Leavers still in</h3>");
    let rows = tenant.leavers.iter().map(|one| {
        let used = one.clock.as_ref().and_then(|clock| clock.active_after);
        let used = used.map_or(String::new(), |at| {
            format!(" <strong>Used after that, on {}.</strong>", at.day())
        });
        [
            who(one),
            day(one.since),
            format!("{}{used}", html(&code::says(one.because.as_str()))),
            html(&follows(one)),
        ]
    });
    table(
        out,
        &["Account", "Left", "What says so", "What would follow"],
        rows,
    );
}

fn idle(out: &mut String, tenant: &TenantSurvey) {
    if tenant.idle.is_empty() {
        return;
    }
    put(out, "<h3>Idle accounts</h3>");
    let rows = tenant.idle.iter().map(|one| {
        [
            who(one),
            one.since.map_or("never seen".to_owned(), |at| at.day()),
            html(&code::says(one.because.as_str())),
            html(&follows(one)),
        ]
    });
    table(
        out,
        &[
            "Account",
            "Last used",
            "What proves it",
            "What would follow",
        ],
        rows,
    );
}

fn unknown(out: &mut String, tenant: &TenantSurvey) {
    if tenant.unknown.is_empty() {
        return;
    }
    put(out, "<h3>Unknown</h3>");
    put(
        out,
        "<p>Whether these accounts are used cannot be proved. Unknown never removes anybody.</p>",
    );
    let rows = tenant.unknown.iter().map(|one| {
        let hint = code::hint(one.because.as_str()).unwrap_or_default();
        [
            who(one),
            html(&code::says(one.because.as_str())),
            day(one.provable_from),
            html(&hint.replace('`', "")),
        ]
    });
    table(
        out,
        &["Account", "Why", "Provable from", "What can be done"],
        rows,
    );
}

/// The lists on which nobody stands; that no leaver does is worth only as much as the reads.
fn nothing(out: &mut String, survey: &Survey, tenant: &TenantSurvey) {
    let lists = [
        ("no leaver is still in", tenant.leavers.is_empty()),
        ("no account is proved idle", tenant.idle.is_empty()),
        ("none is unknown", tenant.unknown.is_empty()),
    ];
    let known = leavers_are_known(survey);
    let says: Vec<_> = lists
        .iter()
        .filter(|(_, empty)| *empty)
        .map(|(says, _)| match says.contains("leaver") && !known {
            true => "whether a leaver is still in is not known",
            false => says,
        })
        .collect();
    if !says.is_empty() {
        let says = capital(&says.join(", "));
        put(
            out,
            &format!("<p class=\"none\">{says}, as far as the newest reads show.</p>"),
        );
    }
}

fn who(one: &AccountShown) -> String {
    let name = one.email.as_deref().or(one.name.as_deref());
    let called = html(name.unwrap_or(one.subject.as_str()));
    match one.name.as_deref().filter(|_| one.email.is_some()) {
        Some(name) => format!("{called}<br><small>{}</small>", html(name)),
        None => called,
    }
}

/// What would follow for one account, in words.
fn follows(one: &AccountShown) -> String {
    let follows = &one.follows;
    let does = match follows.does {
        Some(Do::Remove) => "removed",
        _ => "disabled",
    };
    match follows.verdict {
        Ruling::Withhold => format!("Nothing: {}", tell::reasons(&follows.blocked)),
        Ruling::Act => format!("{does} as soon as it is approved"),
        Ruling::Warn | Ruling::Wait => {
            let warned = follows
                .warned_from
                .map_or(String::new(), |at| format!("warned from {}, ", at.day()));
            let step = match follows.step_from {
                Some(at) => format!("{does} from {}", at.day()),
                None => format!("{does} later"),
            };
            format!("{warned}{step}")
        }
        Ruling::Keep => format!("Nothing: {}", code::says(follows.because.as_str())),
    }
}

fn table<const N: usize>(
    out: &mut String,
    header: &[&str; N],
    rows: impl ExactSizeIterator<Item = [String; N]>,
) {
    let count = rows.len();
    put(out, &format!("<table class=\"c{N}\"><thead><tr>"));
    for name in header {
        put(out, &format!("<th scope=\"col\">{name}</th>"));
    }
    put(out, "</tr></thead><tbody>");
    for row in rows.take(MOST_ROWS) {
        out.push_str("<tr>");
        for cell in row {
            // infallible: a String is written to
            let _ = write!(out, "<td>{cell}</td>");
        }
        put(out, "</tr>");
    }
    put(out, "</tbody></table>");
    if count > MOST_ROWS {
        put(
            out,
            &format!(
                "<p>And {} more: <code>exeunt report --json</code> has all.</p>",
                count - MOST_ROWS
            ),
        );
    }
}

fn ramp(out: &mut String, tenant: &TenantSurvey) {
    let ramp = &tenant.ramp;
    put(out, "<h3>What would follow</h3>");
    if ramp.days.is_empty() {
        put(
            out,
            "<p class=\"none\">Nothing is due, and nobody would be warned.</p>",
        );
    } else {
        put(
            out,
            &format!(
                "<p>{}. {}</p>",
                html(&capital(&ramp_says(tenant))),
                how(ramp)
            ),
        );
        days(out, ramp);
    }
    if tenant.withheld > 0 {
        put(
            out,
            &format!(
                "<p>{} found and withheld: nothing would be done there.</p>",
                match tenant.withheld {
                    1 => "1 more account is".to_owned(),
                    n => format!("{n} more accounts are"),
                }
            ),
        );
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

fn how(ramp: &Ramp) -> String {
    let later = format!(
        "brakes stop a plan that wants more than {} a day.",
        plural(ramp.believable_per_day, "step")
    );
    if ramp.first_plan == 0 {
        return format!("The {later}");
    }
    format!(
        "The first plan, of {}, waits until an approver has looked at it and releases it; then at most \
         {} of it a day. After that, {later}",
        plural(ramp.first_plan, "step"),
        ramp.per_day
    )
}

/// The steps by day, or by week where there are many days.
fn days(out: &mut String, ramp: &Ramp) {
    let by_week = ramp.days.len() > MOST_DAYS;
    let mut spans: Vec<(String, u64)> = Vec::new();
    let first = ramp.days.first().map(|d| d.day);
    let mut last_week = None;
    for one in &ramp.days {
        let since = first.map_or(0, |first| one.day.seconds_since(first));
        let week = since / (7 * DAY_SECONDS);
        match spans
            .last_mut()
            .filter(|_| by_week && last_week == Some(week))
        {
            Some((_, steps)) => *steps += one.steps,
            None => spans.push((one.day.day(), one.steps)),
        }
        last_week = Some(week);
    }
    let most = spans
        .iter()
        .map(|(_, steps)| *steps)
        .max()
        .unwrap_or(1)
        .max(1);
    let name = if by_week { "Week from" } else { "Day" };
    let rows = spans.iter().map(|(day, steps)| {
        let width = steps.saturating_mul(200) / most;
        [
            day.clone(),
            steps.to_string(),
            format!(
                "<svg class=\"small\" viewBox=\"0 0 200 10\" aria-hidden=\"true\"><rect fill=\"#55606b\" \
                 width=\"{width}\" height=\"10\"/></svg>"
            ),
        ]
    });
    out.push_str("<div class=\"days\">");
    table(out, &[name, "Steps", ""], rows);
    put(out, "</div>");
}

fn rules(out: &mut String, rules: &[RuleShown]) {
    put(out, "<section><h2>The rules that were looked through</h2>");
    put(
        out,
        "<p>Each as if it were at work. What would follow supposes that every step is approved on the \
         day it is due.</p>",
    );
    let rows = rules.iter().map(|rule| {
        let steps: Vec<_> = rule.steps.iter().map(|does| does.as_str()).collect();
        let notice: Vec<_> = rule.notice_days.iter().map(u64::to_string).collect();
        let now = match rule.ring {
            Some(ring) => format!("ring {}", format!("{ring:?}").to_lowercase()),
            None => "not in exeunt.toml: supposed for this page".to_owned(),
        };
        [
            html(&rule.policy),
            when(rule),
            if notice.is_empty() {
                "–".to_owned()
            } else {
                format!("{} days before", notice.join(" and "))
            },
            steps.join(", then "),
            now,
        ]
    });
    table(out, &["Policy", "When", "Warned", "Does", "Now"], rows);
    put(out, "</section>");
}

fn when(rule: &RuleShown) -> String {
    let what = match rule.when {
        When::Departed => "the person has left",
        When::Inactive => "nobody has used the account",
        When::NeverActivated => "the invitation was not accepted",
        When::Disabled => "it is disabled in the tenant",
        When::Orphaned => "it belongs to nobody",
        When::Everyone => "a clear-out is due",
    };
    match rule.after_days {
        0 => what.to_owned(),
        n => format!("{what} for {}", plural(n, "day")),
    }
}

fn sources(out: &mut String, survey: &Survey) {
    put(out, "<section><h2>What it rests on</h2>");
    let rows = survey.sources.iter().map(|source| {
        let kind = match source.kind {
            SourceKind::Directory => "directory",
            SourceKind::Tenant => "tenant",
        };
        let verdict = source.verdict.map_or("never read".to_owned(), |verdict| {
            format!("{verdict:?}").to_lowercase()
        });
        [
            html(source.source.as_str()),
            kind.to_owned(),
            source.read_at.map_or("–".to_owned(), tell::moment),
            html(&format!("{verdict} {}", tell::reasons(&source.because))),
            source.count.map_or("–".to_owned(), |n| n.to_string()),
        ]
    });
    table(
        out,
        &["Source", "Kind", "Newest read", "Worth", "Count"],
        rows,
    );
    put(out, "</section>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_text() {
        assert_eq!(
            html("<script>alert(\"x\")</script> & 'y'"),
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;"
        );
        assert_eq!(html("eve\u{202e}moc"), "eve\\u{202e}moc");
    }
}
