//! The scale at which ratios are stated. Amounts of documents are never rounded; a ratio has no end
//! and gets one here, halves to the even neighbor. Decisions compare the exact values.

use rust_decimal::{Decimal, RoundingStrategy};

/// Decimal places of a number of days.
pub const DAYS_SCALE: u32 = 3;

/// Decimal places of a share (a fraction of one).
pub const SHARE_SCALE: u32 = 4;

/// A number of days as stated.
pub(super) fn days(exact: Decimal) -> Decimal {
    to_scale(exact, DAYS_SCALE)
}

/// A share as stated.
pub(super) fn share(exact: Decimal) -> Decimal {
    to_scale(exact, SHARE_SCALE)
}

fn to_scale(exact: Decimal, scale: u32) -> Decimal {
    exact
        .round_dp_with_strategy(scale, RoundingStrategy::MidpointNearestEven)
        .normalize()
}
