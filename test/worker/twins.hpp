// Workers with the same names in two files.
#pragma once

#include "worker/registry.hpp"

namespace twins {

struct family {
    wodehaus::detail::registration const *function, *in_namespace, *lambda;
};
family here();      // those of registry.cpp
family elsewhere(); // those of elsewhere.cpp

} // namespace twins
