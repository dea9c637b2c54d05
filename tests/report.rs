//! The page of a search: well formed, without anything that loads from elsewhere, and without errors in a real browser.

mod digits;

use evograd::record::{
    BeginRow, ChanceRow, EffectRow, EvaluationRow, GenerationRow, IndividualRow, Insight, NetworkRow, SearchRow,
};
use evograd::report::{SearchReport, SearchStats, StageNode, StageRow, WinnerRow, search_html};
use std::path::Path;
use std::process::Command;

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % end
    }
}

const NODES: [usize; 3] = [3, 4, 5];

/// The bits of a code, as text with dashes and bars.
fn text(bits: &[bool]) -> String {
    let mut bits = bits.iter();
    let mut destination =
        |to: usize| (1..to).map(|_| if *bits.next().unwrap() { '1' } else { '0' }).collect::<String>();
    let stages = NODES.map(|nodes| (2..=nodes).map(&mut destination).collect::<Vec<_>>().join("-"));
    stages.join("|")
}

/// A fitness that likes edges to the last node of a stage, with noise.
fn fitness(bits: &[bool], dice: &mut Dice) -> f64 {
    let weight = |(place, bit): (usize, &bool)| if *bit { 0.006 * (place * 7 % 5) as f64 - 0.004 } else { 0.0 };
    (0.70 + bits.iter().enumerate().map(weight).sum::<f64>() + dice.below(1000) as f64 * 1e-5).min(1.0)
}

fn begin(task: &str, settings: &str) -> SearchRow {
    let data_checksums = [Some("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd".into()), None];
    let (version, isa) = ("0.2.0".into(), Some("avx2".into()));
    let (task, settings, data, classes, normalise) = (task.into(), settings.into(), None, None, None);
    SearchRow::Begin(BeginRow { version, build: None, task, isa, settings, data_checksums, data, classes, normalise })
}

fn evaluation(generation: u32, bits: &[bool], fitness: f64, diverged: Option<&str>) -> SearchRow {
    let edges = bits.iter().filter(|bit| **bit).count() as u64;
    SearchRow::Evaluation(EvaluationRow {
        generation,
        code: text(bits),
        repeat: 0,
        epochs: 4,
        fitness,
        loss: diverged.is_none().then_some(1.6 - fitness),
        losses: Vec::new(),
        diverged: diverged.map(str::to_string),
        parameters: 70_000 + 2_400 * edges,
        macs: 1_900_000 + 310_000 * (edges + edges * edges % 7),
        seconds: 31.0 + edges as f64 * 0.7,
        core_seconds: None,
        overhead_seconds: 0.02 + edges as f64 * 0.001,
        images_per_second: 9_000.0 - 300.0 * edges as f64,
    })
}

const SETTINGS: &str =
    "[search]\ngenerations = 20\nindividuals = 12\n\n[training]\ndata = \"shapes\"\nepochs = 4\nrate = 0.05\n";

/// A search with all that happens: mutations, exchanged stages, memory, a network that diverged.
fn rows(generations: u32) -> Vec<SearchRow> {
    let mut dice = Dice(5);
    let mut rows = vec![begin("search", SETTINGS)];
    let mut known = std::collections::HashMap::new();
    let mut population: Vec<Vec<bool>> = (0..12).map(|_| (0..19).map(|_| dice.below(2) == 1).collect()).collect();
    let mut parents: Vec<Vec<usize>> = vec![vec![]; 12];
    for generation in 0..=generations {
        let mut individuals = Vec::new();
        for (bits, parents) in population.iter().zip(&parents) {
            let code = text(bits);
            let fitness = *known.entry(code.clone()).or_insert_with(|| {
                let diverged = (dice.below(60) == 0).then_some("step 12: loss holds NaN");
                let fitness = if diverged.is_some() { 0.0 } else { fitness(bits, &mut dice) };
                rows.push(evaluation(generation, bits, fitness, diverged));
                fitness
            });
            individuals.push(IndividualRow { code, fitness, error: 0.01, parents: parents.clone() });
        }
        let fittest = |dice: &mut Dice| {
            let drawn = [0; 3].map(|_| dice.below(12));
            drawn.into_iter().max_by(|a, b| individuals[*a].fitness.total_cmp(&individuals[*b].fitness)).unwrap()
        };
        let chosen: Vec<usize> = (0..12).map(|_| fittest(&mut dice)).collect();
        let mut next: Vec<Vec<bool>> = chosen.iter().map(|place| population[*place].clone()).collect();
        parents = chosen.iter().map(|place| vec![*place]).collect();
        for pair in (0..12).step_by(2) {
            if dice.below(3) == 0 {
                let (one, other) = next[pair..].split_at_mut(1);
                one[0][9..].swap_with_slice(&mut other[0][9..]);
                parents[pair] = vec![chosen[pair], chosen[pair + 1]];
                parents[pair + 1] = parents[pair].clone();
            } else {
                let bits = next[pair..pair + 2].iter_mut().flatten();
                bits.for_each(|bit| *bit ^= dice.below(20) == 0);
            }
        }
        population = next;
        rows.push(SearchRow::Generation(GenerationRow {
            race: false,
            generation,
            individuals,
            leader: None,
            seconds: 260.0,
            idle_seconds: Some(14.5),
        }));
    }
    rows
}

/// A stage of a code, by the rules of the paper.
fn stage(number: usize, code: &str) -> StageRow {
    let groups: Vec<&str> = code.split('-').collect();
    let bit = |from: usize, to: usize| groups[to - 2].as_bytes()[from - 1] == b'1';
    let nodes = groups.len() + 1;
    let before = |to: usize| (1..to).filter(|from| bit(*from, to)).collect::<Vec<usize>>();
    let after = |from: usize| (from + 1..=nodes).any(|to| bit(from, to));
    let (there, isolated) = (1..=nodes).partition(|node| after(*node) || !before(*node).is_empty());
    let there: Vec<usize> = there;
    let inputs = |node: usize| if before(node).is_empty() { vec![0] } else { before(node) };
    StageRow {
        title: format!("stage {number} · {code}"),
        nodes: there.iter().map(|node| StageNode { number: *node, inputs: inputs(*node) }).collect(),
        ends: there.iter().copied().filter(|node| !after(*node)).collect(),
        isolated,
    }
}

fn page(name: &str, rows: &[SearchRow]) -> String {
    let winner = SearchStats::of(rows).best.map(|best| WinnerRow {
        fusion: "sum".into(),
        canonical: best.code.clone(),
        parameters: 91_234,
        macs: 4_321_000,
        stages: best.code.split('|').enumerate().map(|(number, code)| stage(number + 1, code)).collect(),
    });
    let begun =
        rows.iter().find_map(|row| if let SearchRow::Begin(row) = row { Some(row.settings.as_str()) } else { None });
    search_html(&SearchReport { name, rows, settings: begun.unwrap_or_default(), winner, insight: None })
}

/// Every kind of search that a page must serve, by name.
fn pages() -> Vec<(&'static str, String)> {
    let generation = |fitness: fn(usize) -> f64, count: usize, number: u32| {
        let bits = |i: usize| (0..19).map(|bit| i >> (bit % 10) & 1 == 1).collect::<Vec<bool>>();
        let individual =
            |i: usize| IndividualRow { code: text(&bits(i)), fitness: fitness(i), error: 0.0, parents: vec![] };
        let individuals = (0..count).map(individual).collect();
        let diverged = |i| (fitness(i) == 0.0).then_some("step 1: loss holds NaN");
        let mut rows: Vec<SearchRow> =
            (0..count).map(|i| evaluation(number, &bits(i), fitness(i), diverged(i))).collect();
        rows.push(SearchRow::Generation(GenerationRow {
            race: false,
            generation: number,
            individuals,
            leader: None,
            seconds: 40.0 * count as f64,
            idle_seconds: None,
        }));
        rows
    };
    let with = |task: &str, parts: Vec<Vec<SearchRow>>| [vec![begin(task, SETTINGS)], parts.concat()].concat();
    let spread = |i: usize| 0.6 + (i * 37 % 101) as f64 * 1e-3;
    let mut running = rows(3);
    running.pop();
    let unparented = (0..4).map(|number| generation(spread, 10, number)).collect();
    vec![
        ("a search", page("a search", &rows(20))),
        ("one generation", page("one generation", &rows(0))),
        ("all equal", page("all equal", &with("search", vec![generation(|_| 0.75, 8, 0), generation(|_| 0.75, 8, 1)]))),
        ("all diverged", page("all diverged", &with("search", vec![generation(|_| 0.0, 8, 0)]))),
        ("random", page("random", &with("random", unparented))),
        ("exhaust", page("exhaust", &with("exhaust", vec![generation(spread, 600, 0)]))),
        ("running", page("running", &running)),
        ("begun", page("begun", &[begin("search", SETTINGS)])),
        ("nothing", page("nothing", &[])),
    ]
}

/// The names of all elements; each that is opened is closed, in the right order.
fn elements(page: &str) -> Vec<String> {
    let (mut names, mut open) = (Vec::new(), Vec::<String>::new());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        rest = &rest[end + 1..];
        if tag.starts_with('!') {
            continue;
        }
        assert!(!tag.contains('<'), "< within <{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name), "</{name}> closes another element");
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name.clone());
        }
        // What stands in these is no markup.
        if ["script", "style"].contains(&name.as_str()) && !tag.starts_with('/') {
            rest = &rest[rest.find("</").expect("it is closed")..];
        }
        names.push(name);
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    names
}

#[test]
fn pages_are_well_formed_and_load_nothing() {
    for (name, page) in pages() {
        let elements = elements(&page);
        let loading = ["link", "img", "iframe", "object", "embed", "image", "use", "video", "audio", "base", "form"];
        assert!(!elements.iter().any(|element| loading.contains(&element.as_str())), "{name}");
        let addresses = page.matches("http").count();
        assert_eq!(addresses, page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count(), "{name}: an address");
        assert!(!page.contains("url(") && !page.contains("@import") && !page.contains("src="), "{name}");
        let shown = page.split("<script>").next().unwrap().replace("loss holds NaN", "");
        assert!(!shown.contains("NaN") && !shown.contains("inf"), "{name}: a number that is none");
    }
}

#[test]
fn each_kind_of_search_shows_what_it_can() {
    let pages = pages();
    let has = |name: &str, part: &str| pages.iter().find(|page| page.0 == name).unwrap().1.contains(part);
    for part in ["The paper's run on CIFAR-10", "best so far", "Pareto front", "generation 0", "individuals = 12"] {
        assert!(has("a search", part), "{part}");
    }
    assert!(has("one generation", "There are not two complete generations"));
    assert!(has("all diverged", "All networks diverged") && has("all diverged", "No network has learned anything"));
    assert!(has("random", "The winner has no parents that are known") && has("random", "The paper's run"));
    assert!(has("exhaust", "Networks by fitness") && !has("exhaust", "The paper's run"));
    assert!(has("running", "The last generation is not complete: 5 networks for it so far"));
    assert!(
        has("begun", "There is none: no network has learned anything yet") && has("nothing", "The journal holds none")
    );
}

/// What is known of a space in which nothing has a decent name.
fn evil_insight(evil: &str) -> Insight {
    let effect = EffectRow { stage: 1, what: evil.into(), effect: 0.01, error: 0.002 };
    let network = |i: usize| NetworkRow {
        code: evil.into(),
        trainings: 1,
        fitness: 0.2,
        fitness_error: 0.05,
        measured: 0.1 * i as f64,
        predicted: 0.3,
        error: 0.1,
    };
    let chance = Some(ChanceRow { probability: 0.9, lead: 0.01, error: 0.005, trainings: 36 });
    let networks = (0..3).map(network).collect();
    Insight { heritability: 0.5, r_squared: Some(0.25), networks, effects: vec![effect], chance }
}

#[test]
fn what_was_learned_is_on_the_page_and_readable_on_dark_paper() {
    let rows = rows(2);
    let page = |insight| search_html(&SearchReport { name: "s", rows: &rows, settings: "", winner: None, insight });
    let learned = page(Some(evil_insight("edge 1→2")));
    for part in [
        "0.50 of the variance",
        "R² 0.25",
        "36 trainings: 90 % sure; by +1.00 ± 0.50 points",
        "What edges and depth do",
    ] {
        assert!(learned.contains(part), "{part}");
    }
    assert!(!page(None).contains("R²"));
    // Every colour that stands for paper or ink in a drawing has another on dark paper.
    for colour in ["#ffffff", "#1e293b", "#64748b", "#e2e8f0", "#0072b2"] {
        assert!(learned.contains(&format!("svg [fill=\"{colour}\"], svg[fill=\"{colour}\"] {{")), "{colour}");
    }
}

#[test]
fn hostile_text_is_escaped_everywhere() {
    let evil = "</pre><script>alert(\"x\")</script>|'&<b>";
    let mut rows = rows(2);
    for row in &mut rows {
        match row {
            SearchRow::Begin(row) => {
                (row.version, row.settings, row.task) = (evil.into(), evil.into(), evil.into());
                row.data_checksums = [Some(evil.into()), Some(evil.into())];
            }
            SearchRow::Evaluation(row) => (row.code, row.diverged) = (evil.into(), Some(evil.into())),
            SearchRow::Generation(row) => row.individuals.iter_mut().for_each(|one| one.code = evil.into()),
            SearchRow::Answer(row) => (row.code, row.first_code) = (evil.into(), evil.into()),
        }
    }
    let stages = vec![StageRow { title: evil.into(), ..stage(1, "1-01") }];
    let winner = WinnerRow { canonical: evil.into(), parameters: 1, macs: 1, fusion: evil.into(), stages };
    let page = search_html(&SearchReport {
        name: evil,
        rows: &rows,
        settings: evil,
        winner: Some(winner),
        insight: Some(evil_insight(evil)),
    });
    let elements = elements(&page);
    assert_eq!(elements.iter().filter(|name| *name == "script").count(), 2, "opened and closed once");
    assert!(!elements.contains(&"b".to_string()) && !page.contains("<script>alert"));
}

/// A browser on the PATH.
fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()))
}

/// The document as the browser has it after its scripts, and what it says of errors.
fn opened(browser: &str, page: &str, folder: &Path) -> (String, Vec<String>) {
    let path = folder.join("report.html");
    std::fs::write(&path, page).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(["--dump-dom", &format!("file://{}", path.display())])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8_lossy(&output.stderr);
    let said = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_string).collect();
    (String::from_utf8(output.stdout).unwrap(), said)
}

#[test]
fn a_browser_opens_it_without_errors() {
    let Some(browser) = browser() else {
        println!("SKIPPED: no chromium, chromium-browser or google-chrome on the PATH");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let control = "<!DOCTYPE html><script>nothing.of.this()</script>";
    assert_eq!(opened(browser, control, folder.path()).1.len(), 1, "an error in a script would be seen");

    let click = "<script>document.querySelectorAll('.sortable th')[5].click()</script></body>";
    let page = page("a search", &rows(20)).replace("</body>", click);
    let (document, said) = opened(browser, &page, folder.path());
    assert!(said.is_empty(), "{said:#?}");
    for id in ["fitness", "winner", "family", "insight", "cost", "time", "networks", "settings"] {
        assert!(document.contains(&format!("<section id=\"{id}\">")), "{id} is missing");
    }
    assert_eq!(document.matches("</svg>").count(), 2 + 1 + 1 + 1);
    let table = &document[document.find("class=\"sortable\"").unwrap()..];
    // Those that diverged have no fitness, and stand last.
    let fitness = |row: &str| {
        let cell = row.split("<td>").nth(5).unwrap().split('<').next().unwrap();
        if cell == "–" { f64::NEG_INFINITY } else { cell.parse::<f64>().unwrap() }
    };
    let sorted: Vec<f64> = table.split("<tr").skip(2).map(fitness).collect();
    assert!(sorted.len() > 50 && sorted.windows(2).all(|pair| pair[0] >= pair[1]), "{sorted:?}");
    assert!(table.contains("aria-sort=\"descending\""));
}

/// No table of a page is wider than its place, from a phone's width to a desk's.
#[test]
fn tables_fit_pages_of_any_width() {
    let Some(browser) = browser() else {
        println!("SKIPPED: no chromium, chromium-browser or google-chrome on the PATH");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("page.html"), page("a search", &rows(20))).unwrap();
    // A window has a least width; a frame has not.
    let frames: String = [1200, 1000, 970, 950, 700, 400]
        .map(|width| format!("<iframe src=\"page.html\" width=\"{width}\" height=\"600\"></iframe>"))
        .concat();
    let measure = "addEventListener('load', () => { for (const frame of document.querySelectorAll('iframe')) \
        for (const table of frame.contentDocument.querySelectorAll('.table')) { const item = document.createElement('p'); \
        item.textContent = `measured ${frame.width} ${table.clientWidth} ${table.scrollWidth}`; document.body.append(item); } })";
    let (document, _) = opened(browser, &format!("{frames}<script>{measure}</script>"), folder.path());
    let measured: Vec<Vec<u32>> = document
        .split("<p>measured ")
        .skip(1)
        .map(|text| text.split('<').next().unwrap().split(' ').map(|number| number.parse().unwrap()).collect())
        .collect();
    assert_eq!(measured.len(), 6 * 3, "{document}");
    assert!(measured.iter().all(|sizes| sizes[2] <= sizes[1] && sizes[1] < sizes[0]), "{measured:?}");
}

/// The page that the program itself makes at the end of a search.
#[test]
fn the_page_of_a_real_search_opens_without_errors() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let mut search = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    search.args(["search", "--data", "mnist", "--filters", "2,2,2", "--samples", "64", "--validation", "40"]);
    search.args(["--epochs", "1", "--population", "5", "--budget", "15", "--quiet", "--data-dir"]);
    let output = search.arg(data.path()).arg("--out").arg(&run).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    let summary = String::from_utf8(output.stdout).unwrap();
    let best = summary.lines().find_map(|line| line.strip_prefix("best network     ")).unwrap();
    assert!(page.contains(best), "{summary}");
    let Some(browser) = browser() else {
        println!("SKIPPED: no chromium, chromium-browser or google-chrome on the PATH");
        return;
    };
    let (document, said) = opened(browser, &page, runs.path());
    assert!(said.is_empty() && document.contains("<section id=\"winner\">"), "{said:#?}");
}

/// Writes the pages where EVOGRAD_PAGES names a folder, for people to look at.
#[test]
fn pages_can_be_looked_at() {
    let Some(folder) = std::env::var_os("EVOGRAD_PAGES") else { return };
    for (name, page) in pages() {
        std::fs::write(Path::new(&folder).join(format!("{}.html", name.replace(' ', "-"))), page).unwrap();
    }
}
