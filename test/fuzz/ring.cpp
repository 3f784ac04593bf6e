// A ring whose memory a process writes as it likes, while the server reads it.
#include "test/fuzz/target.hpp"

#include "wire/ring.hpp"

#include <sys/mman.h>

using namespace wodehaus::detail;

namespace {

// Where things lie in the file; `seeds` would be garbage if this were wrong.
constexpr std::size_t file_size = 64 << 10, at_written = 0, at_bytes = 128, capacity = 63 << 10;
constexpr std::size_t largest = 8192;

/// What the process does next; the numbers that it needs follow.
enum class deed : std::uint8_t { publish, publish_anything, write_at, write_header, look, look_and_take, take_all, sleep };
constexpr std::uint8_t deeds = 8;

/// The process's mapping of the file, which is used again and again: a new one for each input costs more than the test.
struct hostile_process {
    descriptor file = make_ring_file();
    char* memory = static_cast<char*>(::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
    std::uint64_t written = 0;

    void publish(std::uint64_t value)
    {
        written = value;
        std::memcpy(memory + at_written, &written, sizeof written);
    }
    void write(std::size_t at, std::span<char const> bytes)
    {
        for (char each : bytes)
            memory[at_bytes + at++ % capacity] = each;
    }
};

bool take_one(ring_reader& reader, bool may_lie)
{
    frame_header header;
    if (reader.peek(header) != frame_reader::status::frame)
        return false;
    fuzz::hold(header.size <= largest && is_plausible(header));
    if (may_lie)
        return true;
    frame message;
    reader.take(message);
    fuzz::hold(message.body.size() == header.size);
    return true;
}

void act(hostile_process& process, ring_reader& reader, fuzz::parts& input)
{
    switch (deed(input.take<std::uint8_t>() % deeds)) {
    case deed::publish:
        process.publish(process.written + input.take<std::uint16_t>());
        break;
    case deed::publish_anything:
        process.publish(input.take<std::uint64_t>());
        break;
    case deed::write_at: {
        std::size_t at = input.take<std::uint16_t>();
        process.write(at, input.take_bytes(input.take<std::uint8_t>()));
        break;
    }
    case deed::write_header: {
        frame_header header;
        header.kind = frame_kind(input.take<std::uint8_t>() % 10);
        header.size = input.take<std::uint16_t>();
        process.write(process.written, {reinterpret_cast<char const*>(&header), sizeof header});
        break;
    }
    case deed::look: // and the bytes may change before it is taken
        take_one(reader, true);
        break;
    case deed::look_and_take: {
        frame_header header;
        if (reader.peek(header) != frame_reader::status::frame)
            break;
        process.write(input.take<std::uint16_t>(), input.take_bytes(sizeof header));
        process.publish(input.take<std::uint64_t>());
        frame message;
        reader.take(message);
        fuzz::hold(message.body.size() == header.size);
        break;
    }
    case deed::take_all:
        while (take_one(reader, false)) {
        }
        break;
    case deed::sleep:
        reader.ask_for_bell();
        break;
    }
}

} // namespace

void fuzz::one(std::span<char const> bytes)
{
    static hostile_process process;
    std::memset(process.memory, 0, at_bytes);
    process.written = 0;
    ring_reader reader{process.file.get(), largest};
    for (parts input{bytes}; !input.empty();)
        act(process, reader, input);
}

std::vector<std::string> fuzz::seeds()
{
    auto frame = [](std::string& to, std::uint16_t size) {
        to += char(deed::write_header);
        append(to, std::uint8_t(frame_kind::result));
        append(to, size);
        to += char(deed::publish);
        append(to, std::uint16_t(sizeof(frame_header) + size));
    };
    std::string plain, round, lies;
    for (auto size : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{4096}})
        frame(plain, size);
    plain += char(deed::take_all);
    plain += char(deed::sleep);
    for (int i = 0; i < 20; ++i) { // around the end
        frame(round, 5000);
        round += char(deed::take_all);
    }
    frame(lies, 10);
    lies += char(deed::look_and_take);
    append(lies, std::uint16_t{0});
    lies += std::string(sizeof(frame_header), '\xff');
    append(lies, ~std::uint64_t{0});
    lies += char(deed::take_all);
    lies += char(deed::publish_anything);
    append(lies, std::uint64_t{1} << 63);
    lies += char(deed::look);
    return {plain, round, lies};
}
