// File names and messages, made fit to be shown. They come from strangers: a name may hold markup, control sequences
// for the terminal, or bytes that are no text at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// The same text, with bytes that are not UTF-8 and control characters as \xNN.
std::string printable(std::string_view bytes);

/// As text or attribute of an HTML page.
std::string html(std::string_view bytes);

/// A path as the reference in a link, also one that is no text.
std::string url(std::string_view path);

/// "1 file", "2 files".
std::string counted(std::size_t count, std::string const& one, std::string const& many);
