// What is seen outside of a shared library: everything that the contract names, and nothing else.
#pragma once

#define WODEHAUS_DECL __attribute__((visibility("default")))
