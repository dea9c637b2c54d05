//! Which of its own settings a search reads, by its method, its selection and its fusion.

use crate::train::unread::{Reader, above_zero, reader};

/// The methods that evolve by crossing and mutation, and the one of them that chooses how.
const EVOLVED: &[&str] = &["evolution", "paper"];
const EVOLUTION: &[&str] = &["evolution"];

/// The settings that not every search reads.
pub(super) const READERS: [Reader; 12] = [
    reader("search.children", "search.method", &["evolution", "aging"]),
    reader("search.crossover", "search.method", EVOLVED),
    reader("search.crossover_stage", "search.method", EVOLVED),
    reader("search.mutation", "search.method", EVOLVED),
    reader("search.mutation_bit", "search.method", EVOLVED),
    reader("search.selection", "search.method", EVOLUTION),
    reader("search.tournament", "search.method", EVOLUTION),
    reader("search.elite", "search.method", EVOLUTION),
    reader("search.tournament", "search.selection", &["tournament"]),
    reader("networks.epsilon", "networks.fusion", &["sort-root"]),
    above_zero("search.crossover_stage", "search.crossover"),
    above_zero("search.mutation_bit", "search.mutation"),
];

#[cfg(test)]
mod tests {
    use crate::error::Result;
    use crate::search::SearchConfig;
    use crate::train::Config;

    /// A setting, choices that read it, and choices that do not.
    type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

    const OF_TRAINING: [Row; 7] = [
        ("optimizer.momentum=0.5", &["optimizer.rule=sgd"], &["optimizer.rule=adam", "optimizer.rule=adamw"]),
        ("optimizer.nesterov=false", &["optimizer.rule=sgd"], &["optimizer.rule=adam", "optimizer.rule=adamw"]),
        ("optimizer.betas=[0.8, 0.9]", &["optimizer.rule=adam", "optimizer.rule=adamw"], &["optimizer.rule=sgd"]),
        ("optimizer.epsilon=1e-4", &["optimizer.rule=adam", "optimizer.rule=adamw"], &["optimizer.rule=sgd"]),
        ("schedule.peak=0.5", &["schedule.kind=one-cycle"], &["schedule.kind=cosine", "schedule.kind=constant"]),
        ("schedule.milestones=[0.1]", &["schedule.kind=step"], &["schedule.kind=one-cycle", "schedule.kind=cosine"]),
        ("schedule.factor=0.5", &["schedule.kind=step"], &["schedule.kind=one-cycle", "schedule.kind=constant"]),
    ];
    const OF_RUN: [Row; 1] = [("model.epsilon=0.01", &["model.fusion=sort-root"], &["model.fusion=sum"])];
    #[test]
    fn what_a_probability_of_0_never_comes_to_is_refused() {
        let read = |set: [&str; 2]| SearchConfig::parse("", &set.map(String::from)).map_err(|error| error.to_string());
        for (setting, number) in
            [("search.crossover_stage", "search.crossover"), ("search.mutation_bit", "search.mutation")]
        {
            let set = format!("{setting}=0.5");
            read([&set, &format!("{number}=0.1")]).unwrap();
            let text = read([&set, &format!("{number}=0")]).unwrap_err();
            assert!(text.contains(&format!("{setting} is set, and {number} is 0")), "{text}");
        }
    }

    const OF_SEARCH: [Row; 9] = [
        (
            "search.children=5",
            &["search.method=evolution", "search.method=aging"],
            &["search.method=paper", "search.method=random", "search.method=predictor"],
        ),
        ("search.crossover=0.5", &["search.method=paper"], &["search.method=aging", "search.method=random"]),
        ("search.crossover_stage=0.5", &["search.method=paper"], &["search.method=aging", "search.method=random"]),
        ("search.mutation=0.5", &["search.method=paper"], &["search.method=aging", "search.method=random"]),
        ("search.mutation_bit=0.5", &["search.method=paper"], &["search.method=aging", "search.method=random"]),
        ("search.selection=roulette", &["search.method=evolution"], &["search.method=paper", "search.method=random"]),
        (
            "search.tournament=5",
            &["search.selection=tournament"],
            &["search.selection=roulette", "search.method=paper"],
        ),
        ("search.elite=1", &["search.method=evolution"], &["search.method=paper", "search.method=random"]),
        ("networks.epsilon=0.01", &["networks.fusion=sort-root"], &["networks.fusion=sum"]),
    ];

    fn hold(rows: &[Row], read: impl Fn(&str, &[String]) -> Result<()>) {
        for (setting, readers, others) in rows {
            let (key, value) = setting.split_once('=').unwrap();
            let (section, name) = key.split_once('.').unwrap();
            let quoted = if value.starts_with(char::is_alphabetic) && value != "false" {
                format!("{value:?}")
            } else {
                value.into()
            };
            let file = |choice: &str| {
                let (choice, chosen) = choice.split_once('=').unwrap();
                let choice = choice.strip_prefix(&format!("{section}.")).unwrap();
                format!("[{section}]\n{name} = {quoted}\n{choice} = {chosen:?}")
            };
            for reader in *readers {
                read("", &[setting.to_string(), reader.to_string()]).unwrap();
                read(&file(reader), &[]).unwrap();
            }
            for other in *others {
                let assigned = read("", &[setting.to_string(), other.to_string()]);
                for refused in [assigned, read(&file(other), &[])] {
                    let text = refused.unwrap_err().to_string();
                    let (choice, chosen) = other.split_once('=').unwrap();
                    assert!(text.contains(&format!("{key} is ")) && text.contains(choice), "{setting} {other}: {text}");
                    assert!(text.contains(chosen) && text.contains(readers[0].split_once('=').unwrap().1), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_no_choice_reads_is_refused_with_what_would() {
        let run = |text: &str, set: &[String]| Config::parse(text, set).map(drop);
        let search = |text: &str, set: &[String]| SearchConfig::parse(text, set).map(drop);
        hold(&OF_TRAINING, run);
        hold(&OF_RUN, run);
        hold(&OF_TRAINING, search);
        hold(&OF_SEARCH, search);
    }
}
