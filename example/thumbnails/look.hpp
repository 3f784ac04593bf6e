// What is the same on every contact sheet: how it looks, and how its pictures are put in order and searched.
#pragma once

extern char const sheet_style[];

/// Hidden, since they do nothing without the script.
extern char const sheet_controls[];

/// Without it the page is a plain list. It expects the figures with `data-bytes` and `data-pixels`.
extern char const sheet_script[];
