// What the documents show is cut from files that are compiled and run. The comment before a block tells from which:
//   snippet: NAME     a piece of snippets.cpp, between two marks of that name
//   cut from: FILE    lines of that file, one behind the other
//   printed by: NAME  what the example quickstart, or a failure, prints
// Every block of C++ has one.
#include "test/kit/program.hpp"
#include "test/kit/serve.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace fs = std::filesystem;
namespace framework = boost::unit_test::framework;

int inverse(int number) // as in the quickstart
{
    return 1000 / number;
}

namespace {

using lines = std::vector<std::string>;

struct block {
    std::string document, language{};
    std::string kind{}, source{}; ///< of the comment; empty without one
    int line = 0;
    lines text{};

    std::string place() const { return document + ":" + std::to_string(line); }
};

std::string argument(int number)
{
    auto const& arguments = framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(arguments.argc > number, "usage: blocks -- FOLDER_OF_THE_PROJECT QUICKSTART");
    return arguments.argv[number];
}
fs::path root()
{
    return argument(1);
}

lines lines_of(std::istream& from)
{
    lines all;
    for (std::string line; std::getline(from, line);)
        all.push_back(line);
    return all;
}
lines lines_of(fs::path const& file)
{
    std::ifstream stream{file};
    BOOST_REQUIRE_MESSAGE(stream, "cannot read " << file);
    return lines_of(stream);
}

std::string joined(lines const& text)
{
    std::string all;
    for (auto const& line : text)
        all += line + '\n';
    return all;
}

std::size_t indentation(std::string const& line)
{
    return std::min(line.find_first_not_of(' '), line.size());
}

/// As it stands, moved to the left as far as it goes.
lines outdented(lines text)
{
    auto least = std::string::npos;
    for (auto const& line : text)
        if (!line.empty())
            least = std::min(least, indentation(line));
    for (auto& line : text)
        line.erase(0, least);
    return text;
}

char const* const documents[] = {"README.md", "libs/doc/guide.md"};

std::vector<block> blocks_of(std::string const& document)
{
    static std::regex const comment{R"(<!-- (snippet|cut from|printed by): (.*) -->)"}, fence{"```(.*)"};
    std::vector<block> all;
    std::smatch match;
    bool inside = false;
    int number = 0;
    block next{document};
    for (auto const& line : lines_of(root() / document)) {
        ++number;
        if (inside && line == "```") {
            all.push_back(std::exchange(next, block{document}));
            inside = false;
        } else if (inside) {
            next.text.push_back(line);
        } else if (std::regex_match(line, match, fence)) {
            inside = true;
            next.language = match.str(1);
            next.line = number;
        } else if (std::regex_match(line, match, comment)) {
            next.kind = match.str(1);
            next.source = match.str(2);
        }
    }
    BOOST_TEST(!inside, document << ": the last block has no end");
    BOOST_TEST(next.kind == "", document << ": no block follows the comment on " << next.source);
    return all;
}
std::vector<block> all_blocks()
{
    std::vector<block> all;
    for (auto document : documents)
        for (auto& one : blocks_of(document))
            all.push_back(std::move(one));
    return all;
}

[[maybe_unused]] block printed_by(std::string const& source)
{
    auto all = all_blocks();
    auto found = std::find_if(all.begin(), all.end(),
                              [&](block const& one) { return one.kind == "printed by" && one.source == source; });
    BOOST_REQUIRE_MESSAGE(found != all.end(), "no document shows what is printed by " << source);
    return *found;
}

std::map<std::string, lines> snippets()
{
    static std::regex const mark{R"(\s*// \[(\w+)\])"};
    std::map<std::string, lines> all;
    std::string open;
    std::smatch match;
    for (auto const& line : lines_of(root() / "test/doc/snippets.cpp")) {
        if (!std::regex_match(line, match, mark)) {
            if (!open.empty())
                all[open].push_back(line);
        } else if (open.empty()) {
            open = match.str(1);
            BOOST_TEST(!all.contains(open), "two snippets have the name " << open);
        } else {
            BOOST_TEST(open == match.str(1), "a snippet lies in another one");
            open.clear();
        }
    }
    BOOST_TEST(open == "", "a snippet has no end");
    for (auto& [name, text] : all)
        text = outdented(text);
    return all;
}

bool contains(lines const& whole, lines const& part)
{
    auto fits = [&](std::size_t at) {
        auto shift = indentation(whole[at]) - std::min(indentation(part[0]), indentation(whole[at]));
        for (std::size_t i = 0; i < part.size(); ++i)
            if (whole[at + i] != (part[i].empty() ? "" : std::string(shift, ' ') + part[i]))
                return false;
        return true;
    };
    for (std::size_t at = 0; at + part.size() <= whole.size(); ++at)
        if (!part.empty() && fits(at))
            return true;
    return false;
}

/// All but the blocks.
std::string prose_of(fs::path const& document)
{
    std::string all;
    bool inside = false;
    for (auto const& line : lines_of(document))
        if (line.starts_with("```"))
            inside = !inside;
        else if (!inside)
            all += line + '\n';
    return all;
}

/// What a heading is linked by: small letters, digits, and a hyphen for each space.
std::set<std::string> anchors_of(fs::path const& document)
{
    std::set<std::string> all;
    for (auto const& line : lines_of(document)) {
        auto begin = line.find_first_not_of("# ");
        if (!line.starts_with('#') || begin == line.npos)
            continue;
        std::string anchor;
        for (char each : line.substr(begin))
            if (each == ' ' || each == '-')
                anchor += '-';
            else if (std::isalnum(static_cast<unsigned char>(each)) || each == '_')
                anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
        all.insert(anchor);
    }
    return all;
}

/// The names between `begin` and the next line that is `end`, one a line.
std::vector<std::string> names_in(fs::path const& file, std::string const& begin, std::regex const& name)
{
    std::vector<std::string> all;
    bool inside = false;
    for (auto const& line : lines_of(file)) {
        std::smatch match;
        if (line == begin)
            inside = true;
        else if (line == "};")
            inside = false;
        else if (inside && std::regex_search(line, match, name))
            all.push_back(match.str(1));
    }
    BOOST_REQUIRE(!all.empty());
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_block_of_the_language_is_cut_from_something)
{
    std::size_t seen = 0;
    for (auto const& one : all_blocks()) {
        BOOST_TEST((one.language != "cpp" || !one.kind.empty()), one.place()
                                                                     << ": nothing tells what this is cut from");
        seen += one.language == "cpp";
    }
    BOOST_TEST(seen > 20u);
}

BOOST_AUTO_TEST_CASE(snippets_are_shown_as_they_are_compiled)
{
    auto known = snippets();
    std::set<std::string> shown;
    for (auto const& one : all_blocks()) {
        if (one.kind != "snippet")
            continue;
        shown.insert(one.source);
        BOOST_TEST(joined(one.text) == joined(known[one.source]), one.place() << ": not the snippet " << one.source);
    }
    for (auto const& [name, text] : known)
        BOOST_TEST(shown.contains(name), "no document shows the snippet " << name);
}

BOOST_AUTO_TEST_CASE(other_pieces_are_shown_as_they_are)
{
    for (auto const& one : all_blocks())
        if (one.kind == "cut from")
            BOOST_TEST(contains(lines_of(root() / one.source), one.text), one.place() << ": not in " << one.source);
}

#ifndef KIT_UNDEFINED_BEHAVIOR_SANITIZER

BOOST_AUTO_TEST_CASE(the_quickstart_is_shown_whole_and_prints_what_is_shown)
{
    if (framework::master_test_suite().argc < 3)
        return; // the examples are not built
    auto program = lines_of(root() / "example/quickstart/main.cpp");
    program.erase(program.begin()); // its opening comment is the README's to say
    auto all = all_blocks();
    BOOST_TEST(std::count_if(all.begin(), all.end(), [&](block const& one) { return one.text == program; }) == 1);
    auto end = kit::run_program({}, argument(2));
    BOOST_TEST(end.exit_code == 0);
    static std::regex const place{", in .*"}; // told as far as there are names
    BOOST_TEST(std::regex_replace(end.output, place, "") == joined(printed_by("quickstart").text));
}

BOOST_AUTO_TEST_CASE(a_failure_is_printed_as_it_is_shown)
{
    std::ostringstream printed;
    kit::with_server({}, [&](wodehaus::job_server& server) -> kit::awaitable<void> {
        auto end = co_await server.async_try_call(wodehaus::worker<inverse>, 0);
        printed << kit::failed(end, kit::errc::process_crashed) << '\n';
    });
    // But for what is never twice the same.
    static std::regex const measured{R"([0-9.]+ (us|ms|s|KiB)\b|process: [0-9]+|thread [0-9]+ "[^"]*"|[^ ]*\.cpp:[0-9]+)"};
    auto shown = joined(printed_by("failure").text);
    BOOST_TEST(std::regex_replace(printed.str(), measured, "#") == std::regex_replace(shown, measured, "#"));
}

#endif

BOOST_AUTO_TEST_CASE(every_error_code_has_a_row_in_the_guide)
{
    auto guide = lines_of(root() / documents[1]);
    for (auto const& code :
         names_in(root() / "include/wodehaus/errc.hpp", "enum class errc {", std::regex{R"(^    (\w+))"}))
        BOOST_TEST(std::count_if(guide.begin(), guide.end(),
                                 [&](std::string const& line) { return line.starts_with("| `" + code + "` |"); }) == 1,
                   code << " has no row, or several");
}

BOOST_AUTO_TEST_CASE(every_option_is_named_in_the_guide)
{
    auto guide = joined(lines_of(root() / documents[1]));
    std::regex const member{R"(^    [\w:<>]+ (\w+)[ {])"};
    for (auto const& option : names_in(root() / "include/wodehaus/options.hpp", "struct options {", member))
        BOOST_TEST((guide.find('`' + option + '`') != guide.npos || guide.find("options::" + option) != guide.npos),
                   option << " is not mentioned");
}

BOOST_AUTO_TEST_CASE(links_lead_somewhere)
{
    static std::regex const link{R"(\]\(([^)#:]*)(#([^)]*))?\))"};
    for (std::string document : documents) {
        auto text = prose_of(root() / document);
        for (std::sregex_iterator at{text.begin(), text.end(), link}, end; at != end; ++at) {
            auto target = root() / document;
            if (at->length(1))
                target = target.parent_path() / at->str(1);
            BOOST_TEST(fs::exists(target), document << ": no " << at->str(1));
            if (at->length(3) && fs::exists(target))
                BOOST_TEST(anchors_of(target).contains(at->str(3)),
                           document << ": no #" << at->str(3) << " in " << target);
        }
    }
}
