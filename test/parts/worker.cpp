// A program that only runs jobs, as a server names it in options::program. It knows no Asio.
#include "test/parts/jobs.hpp"

#include <wodehaus/init.hpp>
#include <wodehaus/worker.hpp>

int main(int argc, char** argv)
{
    using wodehaus::worker;
    wodehaus::offer(worker<jobs::thanks>, worker<jobs::program>, worker<jobs::name>, worker<jobs::which_attempt>,
                    worker<jobs::crashes>, jobs::times{});
    wodehaus::init(argc, argv, [] { wodehaus::process_name("small"); });
    return 1; // nobody's process
}
