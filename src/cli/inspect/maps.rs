//! `evograd inspect run RUN --maps IMAGE`: what a layer of a trained network gives for an image.

use crate::cli::out_file::OutFile;
use crate::cli::run_folder::{Kind, of_kind};
use anyhow::{Result, bail};
use evograd::data::{ImageFile, write_maps};
use evograd::report::counted;
use evograd::train::Predictor;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Draws the maps of the last checkpoint of the only run.
pub fn draw(runs: &[PathBuf], image: &Path, layer: &str, file: &Path, out: &mut impl Write) -> Result<()> {
    let [run] = runs else { bail!("--maps is of one run, and {} are named; name one", runs.len()) };
    let file = OutFile::new(file, "png")?;
    let predictor = Predictor::of_run(&of_kind(run, &[Kind::Training])?, "last")?;
    let pixels = predictor.tensor(&ImageFile::read(image, predictor.side())?)?;
    let maps = predictor.network().activations(&pixels, &[layer])?.remove(0);
    file.written_by(|path| {
        write_maps(&maps, path)?;
        let (count, shape) = (counted(maps.shape().sizes()[1] as u64, "map"), maps.shape());
        writeln!(
            out,
            "{}: {count} of {layer}, {shape}\neach drawn from its least value to its greatest",
            path.display()
        )
        .map_err(anyhow::Error::from)
    })
}
