// A calculator for expressions such as (+ 1 (* 2 3)), written as one should not: it believes whatever it reads.
#pragma once

#include <string>

/// The value of an expression, whose operators are + - * / and (repeat COUNT NUMBER), which adds up copies. Throws
/// `std::invalid_argument` for what is no number, and `std::out_of_range` for a number that is too large.
long evaluate(std::string const& text);
