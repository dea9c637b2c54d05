//! Settings of a training or a search: the text of a TOML file and assignments, which NUL bytes set apart. What is accepted
//! comes back from the text that is made of it.
#![no_main]

use evograd::search::SearchConfig;
use evograd::train::Config;
use evograd_fuzz::{expect_helpful, split_first};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (kind, text) = split_first(data);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut parts = text.split('\0');
    let text = parts.next().unwrap_or("");
    let set: Vec<String> = parts.map(String::from).collect();
    if kind & 1 == 0 {
        match Config::parse(text, &set) {
            Ok(config) => {
                assert_eq!(config.check(), Ok(()));
                assert_eq!(Config::parse(&config.to_toml(), &[]).as_ref(), Ok(&config), "{}", config.to_toml());
                config.options([3, 8, 8], 10).expect("a choice that was checked");
            }
            Err(error) => expect_helpful(&error),
        }
    } else {
        match SearchConfig::parse(text, &set) {
            Ok(config) => {
                assert_eq!(SearchConfig::parse(&config.to_toml(), &[]).as_ref(), Ok(&config), "{}", config.to_toml());
                assert_eq!(config.training().check(), Ok(()));
                assert!(config.workers() > 0);
            }
            Err(error) => expect_helpful(&error),
        }
    }
});
