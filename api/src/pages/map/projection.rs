//! From degrees to the units of the drawing: the same as in `api/web/world.mjs`.

use std::f64::consts::FRAC_1_SQRT_2;

/// Coefficients of Equal Earth (Šavrič, Patterson and Jenny 2018).
const COEFFICIENTS: [f64; 4] = [1.340_264, -0.081_106, 0.000_893, 0.003_796];
const SCALE: f64 = 181.0;
const MIDDLE: (f64, f64) = (494.0, 240.0);

/// Where a place stands in the drawing, which is 1 000 wide and 450 high; `latitude` within ±90,
/// `longitude` within ±180 degrees. Areas keep their proportions.
pub(crate) fn project(latitude: f64, longitude: f64) -> (f64, f64) {
    let [a1, a2, a3, a4] = COEFFICIENTS;
    let half_root_3 = FRAC_1_SQRT_2 * 1.5_f64.sqrt();
    let theta = (half_root_3 * latitude.to_radians().sin()).asin();
    let square = theta * theta;
    let sixth = square.powi(3);
    let slope = a1 + 3.0 * a2 * square + sixth * (7.0 * a3 + 9.0 * a4 * square);
    let x = longitude.to_radians() * theta.cos() / (half_root_3 * slope);
    let y = theta * (a1 + a2 * square + sixth * (a3 + a4 * square));
    (MIDDLE.0 + SCALE * x, MIDDLE.1 - SCALE * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_edges_are_where_the_drawing_has_them() {
        assert_eq!(project(0.0, 0.0), MIDDLE);
        let (east, y) = project(0.0, 180.0);
        // Half the width is π·2/(√3·A1) at the equator (Šavrič et al., equation 3).
        let half = std::f64::consts::PI * 2.0 / (3.0_f64.sqrt() * COEFFICIENTS[0]) * SCALE;
        assert!((east - MIDDLE.0 - half).abs() < 1e-9 && y == MIDDLE.1, "{east}");
        let (pole_x, pole) = project(90.0, 10.0);
        assert!((MIDDLE.1 - pole - 1.317_362_759_2 * SCALE).abs() < 1e-6, "{pole}");
        assert!(MIDDLE.0 < pole_x && pole_x < MIDDLE.0 + half / 10.0);
    }
}
