// Stands between a program and the library: its servers get the launch that LAUNCH_OF_TEST names.
#include <wodehaus.hpp>

#include <cstdlib>
#include <string_view>

namespace wodehaus::detail {

namespace {

using made_type = std::shared_ptr<dispatcher>;

/// A launch that has not been set would prove nothing.
struct must_be_set {
    bool done = false;
    ~must_be_set()
    {
        if (!done)
            std::abort();
    }
} setting;

options launched(options how)
{
    setting.done = true;
    char const* wanted = std::getenv("LAUNCH_OF_TEST");
    std::string_view const name = wanted ? wanted : "";
    if (name == "zygote")
        how.launch = launch::zygote;
    else if (name == "exec")
        how.launch = launch::exec;
    else if (name == "fork")
        how.launch = launch::fork;
    else if (name == "in_process")
        how.launch = launch::in_process;
    else
        std::abort();
    return how;
}

} // namespace

// The linker calls what a program refers to by the name N __wrap_N, and the library's own __real_N.
#define TEXT_OF(NAME) #NAME
#define TEXT(NAME) TEXT_OF(NAME)
made_type real_door(boost::asio::any_io_executor, options) asm("__real_" TEXT(DOOR));
made_type door(boost::asio::any_io_executor, options) asm("__wrap_" TEXT(DOOR));
run_summary real_start(std::unique_ptr<source>, options) asm("__real_" TEXT(START));
run_summary start(std::unique_ptr<source>, options) asm("__wrap_" TEXT(START));

made_type door(boost::asio::any_io_executor executor, options how)
{
    return real_door(std::move(executor), launched(std::move(how)));
}

run_summary start(std::unique_ptr<source> tasks, options how)
{
    return real_start(std::move(tasks), launched(std::move(how)));
}

} // namespace wodehaus::detail
