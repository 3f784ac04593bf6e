// The parts of a program, each with a worker.
#pragma once

#include <wodehaus/job_server.hpp>

#include <functional>
#include <string>

/// Built into several parts, see part.cpp.
#define PART_OF_PROGRAM(NAME)                                                                                          \
    namespace NAME {                                                                                                   \
    /* Calls a worker that only this part can name: it tells the part, and the attempt. */                             \
    [[gnu::visibility("default")]] void call(wodehaus::job_server& server,                                             \
                                             std::function<void(std::exception_ptr, std::string)> handler);            \
    /* A worker that everybody can name: it says after what it is told, which part it is in. */                        \
    [[gnu::visibility("default")]] std::string echo(std::string const& text);                                          \
    }

PART_OF_PROGRAM(linked)   // a shared object that is linked with the library
PART_OF_PROGRAM(unlinked) // a shared object that finds the library in the program
PART_OF_PROGRAM(archive)  // a static library

/// The only thing in a static library of its own.
std::string alone(std::string const& text);
