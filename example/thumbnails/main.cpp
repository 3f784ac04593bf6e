// Thumbnails of all pictures under a folder, and a contact sheet. Every picture is decoded in a process of its own.
#include "decoder.hpp"
#include "find.hpp"
#include "options.hpp"
#include "picture.hpp"
#include "progress.hpp"
#include "shared/text.hpp"
#include "sheet.hpp"

#include <wodehaus.hpp>

#include <csignal>
#include <cstdio>
#include <functional>
#include <iomanip>
#include <iostream>

#include <boost/asio/io_context.hpp>

namespace fs = std::filesystem;

namespace {

// Where the thumbnails go. Those of an earlier run are not those of this one, even if they have its names.
fs::path empty_folder(fs::path const& output)
{
    auto folder = output / thumbnails_folder;
    try {
        fs::create_directories(folder);
        for (auto const& old : fs::directory_iterator{folder}) {
            auto name = old.path().stem().string(), extension = old.path().extension().string();
            bool is_ours = !name.empty() && name.find_first_not_of("0123456789") == name.npos &&
                           (extension == ".jpg" || extension == ".png" || extension == ".part");
            if (is_ours && old.symlink_status().type() == fs::file_type::regular)
                fs::remove(old.path());
        }
    } catch (fs::filesystem_error const& error) {
        throw bad_usage{"cannot use " + folder.string() + ": " + error.code().message()};
    }
    return folder;
}

// What is said of a file that is no picture, or how its process ended; without the names of exception and worker.
std::string reason(wodehaus::failure const& why)
{
    std::string_view what = why.what;
    for (std::string_view name : {"worker make_thumbnail: ", "it threw bad_picture: "})
        if (what.starts_with(name))
            what.remove_prefix(name.size());
    return std::string{what};
}

// The next picture of the sheet from `next` on, if there is one.
std::optional<picture> next_picture(contact_sheet const& sheet, std::size_t& next, fs::path const& thumbnails)
{
    while (next < sheet.entries.size() && !sheet.entries[next].why.empty())
        ++next; // a folder that could not be searched
    if (next == sheet.entries.size())
        return std::nullopt;
    picture job;
    job.number = next++;
    job.file = sheet.entries[job.number].file;
    char name[32];
    std::snprintf(name, sizeof name, "%05zu", next);
    job.thumbnail = thumbnails / name;
    return job;
}

wodehaus::options how_to_run(request const& asked, std::function<void(std::string_view)> tell)
{
    return {.workers = asked.processes,
            .launch = wodehaus::launch::zygote, // has the decoder set up
            .jobs_per_process = 1,              // what a file has done to a decoder ends with it
            .timeout = asked.timeout,
            .stop_signals = {SIGINT, SIGTERM},
            .output = wodehaus::output::discard, // a decoder's chatter
            .logger = [tell = std::move(tell)](wodehaus::level importance, std::string_view line) {
                if (importance == wodehaus::level::error)
                    tell(line);
            }};
}

// Runs until all pictures are done, or until Ctrl-C. Fills the sheet.
void make_thumbnails(request const& asked, fs::path const& thumbnails, contact_sheet& sheet)
{
    progress bar{sheet.left_out()};
    auto tell = [&](std::string_view line) {
        bar.clear();
        std::cerr << "thumbnails: " << printable(line) << '\n';
    };
    boost::asio::io_context context{1};
    wodehaus::job_server server{context, how_to_run(asked, tell)};

    auto producer = [&, next = std::size_t{0}]() mutable -> std::optional<wodehaus::task_of<make_thumbnail>> {
        auto job = next_picture(sheet, next, thumbnails);
        if (!job)
            return std::nullopt;
        job->size = asked.size;
        return wodehaus::task{wodehaus::worker<make_thumbnail>, std::move(*job)};
    };

    auto consumer = [&](picture const& job, wodehaus::outcome<thumbnail> made) {
        if (made) {
            sheet.entries[job.number].made = std::move(*made);
            return bar.add(true);
        }
        remove_leftovers(job);
        auto const& why = made.error();
        if (why.code == wodehaus::errc::stopped)
            return;
        if (why.code == wodehaus::errc::launch_failed) {
            tell(why.what); // it is not the picture's fault, and the next would fare alike
            return server.stop();
        }
        sheet.entries[job.number].why = reason(why);
        bar.add(false);
    };

    std::exception_ptr failed;
    server.async_run(producer, consumer, [&](std::exception_ptr error, wodehaus::run_summary summary) {
        failed = error;
        sheet.elapsed = summary.elapsed;
    });
    context.run();
    bar.clear();
    if (failed)
        std::rethrow_exception(failed);
}

void tell_result(contact_sheet const& sheet, fs::path const& page)
{
    for (auto const& entry : sheet.entries)
        if (!entry.why.empty())
            std::cerr << "failed: " << printable(sheet.name(entry)) << ": " << printable(entry.why) << '\n';
    std::cout << sheet.made() << " thumbnails, " << sheet.failed() << " failed";
    if (sheet.left_out() > 0)
        std::cout << ", " << sheet.left_out() << " left out";
    std::cout << ", " << std::fixed << std::setprecision(1) << sheet.elapsed.count() << " s\n" << page.string() << '\n';
}

int run(request const& asked)
{
    auto thumbnails = empty_folder(asked.output);
    auto found = find_pictures(asked.folder, asked.output);
    contact_sheet sheet{asked.folder, {}, {}};
    for (auto const& file : found.files)
        sheet.entries.push_back({file, {}, {}});
    for (auto const& [folder, why] : found.unreadable)
        sheet.entries.push_back({folder, {}, "cannot be searched: " + why});

    make_thumbnails(asked, thumbnails, sheet);
    tell_result(sheet, write(sheet, asked.output));
    return sheet.made() == sheet.entries.size() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, prepare_decoder);
    return run_and_report("thumbnails", [&] {
        auto asked = read_options(argc, argv);
        return asked ? run(*asked) : 0;
    });
}
