// What this program does to one picture: the job, the result, and the worker between them.
#pragma once

#include <boost/serialization/string.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

/// The job. Paths are bytes as the file system has them, and need not be text.
struct picture {
    std::uint64_t number = 0; ///< its place in the list of all
    std::string file;
    std::string thumbnail;  ///< the thumbnail's path, to which the worker adds an extension
    std::uint32_t size = 0; ///< pixels of the thumbnail's longer side, at most

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& number& file& thumbnail& size;
    }
};

/// The result.
struct thumbnail {
    std::string file;                              ///< its name, without a folder
    std::uint32_t width = 0, height = 0;           ///< its pixels
    std::uint32_t full_width = 0, full_height = 0; ///< the picture's pixels, upright
    std::uint64_t bytes = 0;                       ///< of the picture's file

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& file& width& height& full_width& full_height& bytes;
    }
};

/// Why a file gives no picture, in words for the contact sheet.
class bad_picture : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The worker: decodes, turns upright, makes small, and writes the thumbnail. It runs in a process of its own, since a
/// decoder that meets a hostile file may crash, hang or eat the machine.
thumbnail make_thumbnail(picture const& job);

/// Removes what a worker that was killed may have left.
void remove_leftovers(picture const& job);
