//! [`go_pow`]: the servers' own algorithm for powers, by which backoffs grow. It is here because its last digit is
//! theirs, not for speed.

/// Computes `base^exponent` by squaring, as Go's `math.Pow` does.
///
/// The products and their order are those of the servers, so that the result is theirs to the last bit. Products of
/// floats are rounded in one way only, so that the result is the same on every platform. Neither holds for std's
/// powers, whose precision is not specified. The servers treat powers of two separately. This makes a difference only
/// for bases below 1, where a product may be too small for a float: no policy has these.
///
/// Source: go `src/math/pow.go`, for a whole exponent.
pub(crate) fn go_pow(base: f64, exponent: u32) -> f64 {
    let (mut power, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            power *= square;
        }
        square *= square;
        rest /= 2;
    }
    power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::go_pow;

    /// The expected values are those of the servers' products. Some would end in another digit if only the last step
    /// were rounded.
    #[test]
    fn the_last_bit_is_that_of_the_servers() {
        assert_eq!(go_pow(1.1, 7), 1.948_717_100_000_001_2);
        assert_eq!(go_pow(1.2, 5), 2.488_32);
        assert_eq!(go_pow(1.7, 13), 990.457_803_290_593_1);
        assert_eq!(go_pow(1.1, 99), 12_527.829_399_838_512);
        assert_eq!(go_pow(1.3, 1000), 8.777_125_472_973_9e113);
        assert_eq!(go_pow(1.000_000_1, 1_000_000), 1.105_170_912_608_152_6);
        assert_eq!(go_pow(2.5, 40), 8_271_806_125_530_277.0);
    }

    #[test]
    fn powers_of_two_are_exact_as_long_as_there_are_any() {
        for exponent in 0..1024 {
            assert_eq!(go_pow(2.0, exponent), f64::from_bits(u64::from(exponent + 1023) << 52), "2^{exponent}");
        }
        assert_eq!(go_pow(2.0, 1024), f64::INFINITY);
    }

    #[test]
    fn it_ends_in_infinity_not_before_its_result_does() {
        // The square of the last factor is infinite, and is not needed.
        assert_eq!(go_pow(1e200, 1), 1e200);
        assert!(go_pow(10.0, 308).is_finite());
        assert_eq!(go_pow(10.0, 309), f64::INFINITY);
        assert_eq!(go_pow(1.1, 1_000_000), f64::INFINITY);
        assert_eq!(go_pow(1.1, u32::MAX), f64::INFINITY);
        assert_eq!(go_pow(f64::INFINITY, 3), f64::INFINITY);
    }

    #[test]
    fn a_base_of_one_an_exponent_of_zero_and_what_no_policy_has() {
        assert_eq!(go_pow(1.0, u32::MAX), 1.0);
        assert_eq!(go_pow(3.7, 0), 1.0);
        assert_eq!(go_pow(3.7, 1), 3.7);
        assert_eq!(go_pow(f64::NAN, 0), 1.0);
        assert!(go_pow(f64::NAN, 1).is_nan());
        assert_eq!(go_pow(0.5, 1_000_000), 0.0);
        assert_eq!(go_pow(0.0, 2), 0.0);
        assert_eq!(go_pow(-3.0, 3), -27.0);
    }

    proptest! {
        /// A squaring doubles the error that there is and adds its own, so that it grows with the exponent.
        #[test]
        fn agrees_with_std(base in 1.0f64..20.0, exponent in 0u32..200) {
            let (ours, theirs) = (go_pow(base, exponent), base.powi(exponent as i32));
            let bound = f64::from(exponent + 1) * f64::EPSILON;
            prop_assert!((ours / theirs - 1.0).abs() <= bound, "{base}^{exponent}: {ours:e}, in std {theirs:e}");
        }
    }
}
