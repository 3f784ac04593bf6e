#include "joblog.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

std::string joblog_line(command const& job, command_end const& end)
{
    char figures[160];
    std::snprintf(figures, sizeof figures, "%llu\t:\t%.3f\t%10.3f\t0\t%zu\t%d\t%d\t",
                  static_cast<unsigned long long>(job.number), end.began, end.took, end.output.size(), end.exit_code,
                  end.signal);
    return figures + job.line + '\n';
}

joblog::joblog(std::filesystem::path const& file) : name_(file)
{
    if (name_.empty())
        return;
    file_.open(name_, std::ios::binary | std::ios::trunc);
    file_ << "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
    flush();
}

void joblog::add(command const& job, command_end const& end)
{
    if (name_.empty())
        return;
    file_ << joblog_line(job, end);
    flush();
}

void joblog::flush()
{
    if (!file_.flush())
        throw std::system_error{errno, std::generic_category(), "cannot write " + name_.string()};
}
