// A job's message as a process reads it: whole, or not at all.
#include "worker/job_message.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstring>
#include <string>

using namespace wodehaus::detail;

namespace {

std::string message_of(std::string_view name, std::string_view job)
{
    job_prefix prefix;
    prefix.attempt = 7;
    prefix.name_size = name.size();
    std::string message{reinterpret_cast<char const*>(&prefix), sizeof prefix};
    return message.append(name).append(job);
}

} // namespace

BOOST_AUTO_TEST_CASE(its_parts)
{
    auto message = message_of("name", "job");
    auto read = read_job(message);
    BOOST_REQUIRE(read);
    BOOST_TEST(read->prefix.attempt == 7);
    BOOST_TEST(read->name == "name");
    BOOST_TEST((std::string_view{read->bytes.data(), read->bytes.size()} == "job"));
}

BOOST_AUTO_TEST_CASE(empty_parts)
{
    auto message = message_of({}, {});
    auto read = read_job(message);
    BOOST_REQUIRE(read);
    BOOST_TEST(read->name.empty());
    BOOST_TEST(read->bytes.empty());
    BOOST_TEST(!worker_for(*read)); // nothing lies at 0
}

BOOST_AUTO_TEST_CASE(too_short)
{
    auto message = message_of("name", {});
    for (std::size_t size = 0; size < message.size(); ++size)
        BOOST_TEST(!read_job(std::span{message}.first(size)));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_a_lie)
{
    auto message = message_of("name", "job");
    for (std::uint64_t size : {std::uint64_t{8}, std::uint64_t{1} << 32, ~std::uint64_t{0}, ~std::uint64_t{0} - 31}) {
        std::memcpy(message.data() + offsetof(job_prefix, name_size), &size, sizeof size);
        BOOST_TEST(!read_job(message));
    }
}
