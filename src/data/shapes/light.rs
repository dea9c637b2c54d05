//! What light and a camera do to a scene: brighter and darker sides, a cast shadow, blur, exposure, noise, bytes. Knows
//! pixels; knows nothing of what they show.

use super::canvas::{Canvas, SIDE};
use super::texture::scale;
use crate::data::drawn::Draw;

/// Lights a scene from one side, now and then with a shadow across it.
pub(super) fn light(canvas: &mut Canvas, draw: &mut Draw) {
    let slope = draw.between(0.0, 0.03);
    let [c, s] = draw.direction();
    let dark = if draw.chance(0.3) { draw.between(0.25, 0.5) } else { 0.0 };
    let ([sc, ss], border) = (draw.direction(), draw.between(-8.0, 8.0));
    for (i, pixel) in canvas.0.iter_mut().enumerate() {
        let [x, y] = [(i % SIDE) as f32 - 15.5, (i / SIDE) as f32 - 15.5];
        let shadow = dark * ((sc * x + ss * y - border) * 0.5 + 0.5).clamp(0.0, 1.0);
        let gain = (1.0 + slope * (c * x + s * y)) * (1.0 - shadow);
        scale(pixel, gain);
    }
}

/// Blurs a scene by a part of what its neighbours 1, 2, 1 in each direction make of a pixel.
pub(super) fn blur(canvas: &mut Canvas, part: f32) {
    for step in [1, SIDE] {
        let sharp = canvas.0.clone();
        for (i, pixel) in canvas.0.iter_mut().enumerate() {
            let place = if step == 1 { i % SIDE } else { i / SIDE };
            let before = if place > 0 { &sharp[i - step] } else { &sharp[i] };
            let after = if place + 1 < SIDE { &sharp[i + step] } else { &sharp[i] };
            for (value, (before, after)) in pixel.iter_mut().zip(before.iter().zip(after)) {
                *value += part * (0.25 * (before + after) - 0.5 * *value);
            }
        }
    }
}

/// Exposes a scene: contrast and brightness, noise of the sensor, and three planes of bytes.
pub(super) fn expose(canvas: &Canvas, image: &mut [u8], draw: &mut Draw) {
    let (contrast, bright) = (draw.between(0.65, 1.1), draw.between(-0.12, 0.12));
    // A sum of two bytes has a standard deviation of 104.5.
    let noise = draw.between(0.01, 0.05) / 104.5;
    for (i, pixel) in canvas.0.iter().enumerate() {
        let [all, own @ ..] = draw.bytes();
        for (c, value) in pixel.iter().enumerate() {
            let seen = 0.5 + bright + contrast * (value - 0.5) + noise * (f32::from(all) + f32::from(own[c]) - 255.0);
            image[c * SIDE * SIDE + i] = (seen * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn blur_spreads_a_pixel_and_loses_nothing() {
        let mut canvas = Canvas(vec![[0.0; 3]; SIDE * SIDE]);
        canvas.0[5 * SIDE + 7] = [16.0; 3];
        blur(&mut canvas, 1.0);
        let square: Vec<f32> = (4..7).flat_map(|y| (6..9).map(move |x| y * SIDE + x)).map(|i| canvas.0[i][0]).collect();
        assert_eq!(square, [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]);
        assert_eq!(canvas.0.iter().map(|pixel| pixel[2]).sum::<f32>(), 16.0);
    }

    #[test]
    fn blur_leaves_an_even_surface_alone() {
        let mut canvas = Canvas(vec![[0.25, 0.5, 1.0]; SIDE * SIDE]);
        blur(&mut canvas, 0.7);
        assert!(canvas.0.iter().all(|pixel| *pixel == [0.25, 0.5, 1.0]));
    }

    #[test]
    fn bytes_stay_in_range_and_planes_in_order() {
        let mut image = vec![7; 3 * SIDE * SIDE];
        expose(&Canvas(vec![[-9.0, 0.5, 9.0]; SIDE * SIDE]), &mut image, &mut Draw::new(Purpose::Shapes, 0, 0, 0));
        let planes: Vec<&[u8]> = image.chunks(SIDE * SIDE).collect();
        assert!(planes[0].iter().all(|x| *x == 0) && planes[2].iter().all(|x| *x == 255));
        assert!(planes[1].iter().all(|x| (40..215).contains(x)));
    }

    #[test]
    fn light_falls_off_to_one_side_and_never_below_darkness() {
        for seed in 0..100 {
            let mut canvas = Canvas(vec![[0.5; 3]; SIDE * SIDE]);
            light(&mut canvas, &mut Draw::new(Purpose::Shapes, seed, 0, 0));
            assert!(canvas.0.iter().all(|pixel| pixel[0] > 0.05 && pixel[0] < 1.0));
        }
    }
}
