// The jobs of the soak: each does in its process what its plan says.
#pragma once

#include "test/soak/plan.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace soak {

struct errand {
    int id = 0;
    int what = 0, number = 0;
    std::size_t size = 0; ///< of its result
    std::string notes;    ///< the file in which it notes that it was begun
    std::string filling;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & id & what & number & size & notes & filling;
    }
};

struct report {
    int id = 0, attempt = 0;
    std::string filling;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & id & attempt & filling;
    }
};

/// The worker.
report work(errand const& job);

errand make_errand(task_plan const& task, round_plan const& plan, std::string const& notes);
/// Whether the result is that of this task, whole and unharmed.
bool is_right(task_plan const& task, report const& result);
/// How often each task was begun.
std::map<int, int> read_notes(std::string const& file);

} // namespace soak
