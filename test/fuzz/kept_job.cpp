// A file of a kept job, as the program reads it that is asked to replay it.
#include "test/fuzz/target.hpp"

#include "worker/kept_job.hpp"

using namespace wodehaus::detail;

void fuzz::one(std::span<char const> bytes)
{
    try {
        auto parts = read_kept(bytes, bytes.size());
        auto const& about = parts.about;
        auto texts = about.portable_name.size() + about.worker.size() + about.what.size() + about.account.size();
        hold(parts.job_at <= bytes.size() && texts < parts.job_at && texts <= longest_kept_texts);
        hold(is_kept_name(kept_name(about)));
        // What was read is written alike.
        auto again = kept_beginning(about, bytes.size() - parts.job_at);
        hold(again.size() == parts.job_at);
    } catch (std::exception const&) {
    }
}

std::vector<std::string> fuzz::seeds()
{
    kept_job about;
    about.build = 1;
    about.key = {2, 3};
    about.id = 4;
    about.time = 1'795'629'270'123'456'789;
    about.max_message = 1 << 20;
    std::vector<std::string> all{text_of(kept_beginning(about, 0))};
    about.portable_name = "N4namesE|i|i";
    about.worker = "app::render";
    about.what = "worker app::render: it threw int: 5";
    about.account = about.what + "\n  code: the worker threw an exception (wodehaus 1), attempt 1";
    all.push_back(text_of(kept_beginning(about, 3)) + "job");
    return all;
}
