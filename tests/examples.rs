//! The programs in `examples/` run to their ends, where each has checked what it shows.

#[path = "../examples/a_scalar_tape.rs"]
mod a_scalar_tape;
#[path = "../examples/b_two_layers.rs"]
mod b_two_layers;
#[path = "../examples/c_residual_block.rs"]
mod c_residual_block;
#[path = "../examples/d_own_layer.rs"]
mod d_own_layer;
#[path = "../examples/e_own_operation.rs"]
mod e_own_operation;

#[test]
fn the_scalar_tape_learns() {
    a_scalar_tape::main().unwrap();
}

#[test]
fn two_layers_learn() {
    b_two_layers::main().unwrap();
}

#[test]
fn the_residual_block_learns() {
    c_residual_block::main().unwrap();
}

#[test]
fn the_layer_of_ones_own_is_proved_and_learns() {
    d_own_layer::main().unwrap();
}

#[test]
fn the_operation_of_ones_own_is_proved_and_learns() {
    e_own_operation::main().unwrap();
}

#[test]
fn every_example_is_run_and_short() {
    let here = include_str!("examples.rs");
    for file in std::fs::read_dir("examples").unwrap() {
        let path = file.unwrap().path();
        assert!(here.contains(&format!("\"../{}\"", path.display())), "{}", path.display());
        assert!(std::fs::read_to_string(&path).unwrap().lines().count() < 100, "{}", path.display());
    }
}
