//! How a search chooses what to train next. Each method proposes individuals, generation after generation; who trains them, and how
//! the final race is run, is the same for all, so that methods are compared at equal cost.

mod aging;
mod draw;
mod evolution;
mod predictor;
mod propose;
mod random;

pub use propose::{Proposal, Propose};

use super::settings::{Method, Strategy};

/// The method that the settings name.
pub fn method(strategy: &Strategy) -> Box<dyn Propose + '_> {
    match strategy.method {
        Method::Evolution => Box::new(evolution::Evolved::with_children(strategy)),
        Method::Paper => Box::new(evolution::Evolved::to_the_letter(strategy)),
        Method::Aging => Box::new(aging::Aging::new(strategy)),
        Method::Predictor => Box::new(predictor::Predictor::new(strategy)),
        Method::Random => Box::new(random::Random(strategy)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::models::genetic_cnn::Backbone;
    use crate::models::genetic_cnn::Code;
    use crate::search::history::History;
    use crate::search::settings::Networks;
    use crate::search::{Budget, Round, Trainings, drive, graphs};
    use std::collections::HashSet;

    const ALL: [Method; 5] = [Method::Evolution, Method::Paper, Method::Aging, Method::Predictor, Method::Random];

    fn empty() -> History {
        History::new(&Networks { stages: vec![3, 4], backbone: Backbone::cifar10(2), ..Networks::default() }, 32)
    }

    /// A history with divergences, and one with the worst of all in their place, are the same to every method, by the bit.
    #[test]
    fn a_divergence_counts_as_the_worst_for_every_method() {
        let codes: Vec<Code> = graphs(&[3, 4]).unwrap().into_iter().take(30).collect();
        for kind in ALL {
            let strategy = Strategy { method: kind, ..Strategy::default() };
            let [mut own, mut twin] = [empty(), empty()];
            for (i, code) in codes.iter().chain(&codes[..10]).enumerate() {
                let value = 0.3 + 0.01 * ((i * 7) % 11) as f64;
                own.add(code, if i % 4 == 1 { f64::NAN } else { value });
                twin.add(code, if i % 4 == 1 { 0.3 } else { value });
            }
            [&mut own, &mut twin].into_iter().for_each(History::fit);
            let method = method(&strategy);
            assert!(codes.iter().any(|code| own.values(code).iter().all(|value| value.is_nan())));
            for code in &codes {
                assert_eq!(method.fitness(&own, code), method.fitness(&twin, code), "{kind:?}: {code}");
                assert!(method.fitness(&own, code).mean.is_finite());
            }
        }
    }

    /// Graphs of an odd number of edges diverge whatever their seed, and all of them do until `from`.
    struct Odd {
        from: u32,
    }

    impl Odd {
        fn diverges(code: &Code) -> bool {
            code.0.iter().map(|stage| stage.edges().count()).sum::<usize>() % 2 == 1
        }
    }

    impl Trainings for Odd {
        fn train(&mut self, round: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
            let value = |(code, seed): &(Code, u32)| {
                if Odd::diverges(code) || round < self.from { f64::NAN } else { 0.2 + 0.01 * f64::from(*seed) }
            };
            Ok(trainings.iter().map(value).collect())
        }
    }

    #[test]
    fn what_never_came_to_anything_wins_nothing() {
        for kind in ALL {
            for from in [0, 1, u32::MAX] {
                let strategy = Strategy { method: kind, population: 8, ..Strategy::default() };
                let mut rounds: Vec<Round> = Vec::new();
                let mut on_round = |round: &Round| {
                    rounds.push(round.clone());
                    Ok(true)
                };
                let (mut history, budget) = (empty(), Budget::Trainings(48));
                let mut method = method(&strategy);
                let answer = drive(budget, 1, &mut history, &mut *method, &mut Odd { from }, &mut on_round);
                let answer = answer.unwrap().unwrap();
                let individuals = || rounds.iter().flat_map(|round| &round.individuals);
                assert!(individuals().all(|one| one.fitness.mean.is_finite()), "{kind:?} from {from}");
                match from {
                    u32::MAX => assert!(individuals().all(|one| one.fitness.mean.to_bits() == 0), "{kind:?}"),
                    _ => assert!(!Odd::diverges(&answer.winner), "{kind:?} from {from}: {answer:?}"),
                }
            }
        }
    }

    /// Six graphs have three nodes: once all are known, no method goes on proposing.
    #[test]
    fn a_search_of_a_space_that_is_used_up_has_no_idle_generations() {
        for kind in ALL.into_iter().filter(|kind| *kind != Method::Paper) {
            let networks = Networks { stages: vec![3], backbone: Backbone::cifar10(1), ..Networks::default() };
            let strategy = Strategy { method: kind, population: 4, ..Strategy::default() };
            let mut history = History::new(&networks, 32);
            let (mut rounds, mut known) = (Vec::new(), 0);
            let mut on_round = |round: &Round| {
                rounds.push(round.clone());
                Ok(true)
            };
            struct Same;
            impl Trainings for Same {
                fn train(&mut self, _: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
                    Ok(trainings.iter().enumerate().map(|(i, _)| 0.5 + 0.1 * (i % 3) as f64).collect())
                }
            }
            let budget = Budget::Trainings(60);
            drive(budget, 0, &mut history, &mut *method(&strategy), &mut Same, &mut on_round).unwrap().unwrap();
            assert_eq!(history.trained().count(), 6, "{kind:?}");
            let mut met = HashSet::new();
            for round in rounds.iter().filter(|round| !round.race) {
                met.extend(round.individuals.iter().map(|one| history.graph(&one.code)));
                known += 1;
                if met.len() == 6 {
                    break;
                }
            }
            assert_eq!(rounds.iter().filter(|round| !round.race).count(), known, "{kind:?}");
        }
    }
}
