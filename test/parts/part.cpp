// A part of a program: with PART=linked, unlinked or archive. The hidden worker has the same name in each.
#include "test/parts/part.hpp"

#include <wodehaus/this_job.hpp>

#define TEXT_OF(NAME) #NAME
#define TEXT(NAME) TEXT_OF(NAME)

namespace {

std::string hidden(int)
{
    return TEXT(PART) + std::to_string(wodehaus::this_job::attempt());
}

} // namespace

void PART::call(wodehaus::job_server& server, std::function<void(std::exception_ptr, std::string)> handler)
{
    server.async_call(wodehaus::worker<hidden>, 0, std::move(handler));
}

std::string PART::echo(std::string const& text)
{
    return text + " in " TEXT(PART);
}
