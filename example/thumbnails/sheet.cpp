#include "sheet.hpp"

#include "find.hpp"
#include "look.hpp"
#include "shared/file.hpp"
#include "shared/text.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <system_error>

namespace fs = std::filesystem;

namespace {

std::string in_units(std::uint64_t bytes)
{
    constexpr std::array<char const*, 4> units{"bytes", "kB", "MB", "GB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < units.size(); ++unit)
        value /= 1000;
    std::ostringstream text;
    text.precision(unit == 0 || value >= 99.95 ? 0 : 1);
    text << std::fixed << value << ' ' << units[unit];
    return text.str();
}

// From the page to the picture, wherever both are.
std::string link_to(fs::path const& file, fs::path const& output)
{
    std::error_code error;
    auto target = fs::weakly_canonical(file.parent_path(), error) / file.filename();
    auto from = fs::weakly_canonical(output, error);
    return url(target.lexically_relative(from).native());
}

// Strips and towers are shown in a frame that is less so, so that each has a width and a height that one can see. A
// long name makes it wider, or else it would be a tower itself.
double shape_of(thumbnail const& made, std::string const& name)
{
    auto least = std::clamp(static_cast<double>(name.size()) / 80, 0.5, 1.8);
    return std::clamp(static_cast<double>(made.width) / made.height, least, 3.5);
}

void write_figure(std::ostream& out, sheet_entry const& entry, fs::path const& output)
{
    auto const& made = *entry.made;
    auto name = html(entry.file.filename().native());
    bool is_small = made.width == made.full_width && made.height == made.full_height;
    bool is_see_through = made.file.ends_with(".png");
    out << "<figure style=\"--shape:" << shape_of(made, name) << "\" data-bytes=\"" << made.bytes << "\" data-pixels=\""
        << std::uint64_t{made.full_width} * made.full_height << "\"><a href=\"" << link_to(entry.file, output)
        << "\"><img src=\"" << thumbnails_folder << '/' << url(made.file) << "\" width=\"" << made.width
        << "\" height=\"" << made.height << "\" alt=\"" << name << "\" loading=\"lazy\"";
    if (is_small || is_see_through)
        out << " class=\"" << (is_small ? "small" : "") << (is_see_through ? " see-through" : "") << '"';
    out << "></a><figcaption><b><bdi>" << name << "</bdi></b><span class=\"details\"><span>" << made.full_width << " × "
        << made.full_height << "</span> <span title=\"" << made.bytes << " bytes\">" << in_units(made.bytes)
        << "</span></span></figcaption></figure>\n";
}

using entries = std::vector<sheet_entry>::const_iterator;

void write_folder(std::ostream& out, entries begin, entries end, contact_sheet const& sheet, fs::path const& output)
{
    auto has_thumbnail = [](sheet_entry const& each) { return each.made.has_value(); };
    auto count = static_cast<std::size_t>(std::count_if(begin, end, has_thumbnail));
    if (count == 0)
        return;
    auto folder = begin->file.parent_path().lexically_relative(sheet.folder);
    out << "<section>\n";
    if (folder != ".") // else the page's title says it
        out << "<h2><bdi>" << html(folder.native()) << "</bdi><span>" << counted(count, "picture", "pictures")
            << "</span></h2>\n";
    out << "<div class=\"row\">\n";
    for (; begin != end; ++begin)
        if (begin->made)
            write_figure(out, *begin, output);
    out << "</div>\n</section>\n";
}

void write_failures(std::ostream& out, contact_sheet const& sheet)
{
    out << "<section class=\"failures\" id=\"failures\">\n<h2>" << counted(sheet.failed(), "picture", "pictures")
        << " failed</h2>\n<ul>\n";
    for (auto const& entry : sheet.entries)
        if (!entry.made && !entry.why.empty())
            out << "<li><bdi>" << html(sheet.name(entry)) << "</bdi><span>" << html(entry.why) << "</span></li>\n";
    out << "</ul>\n</section>\n";
}

void write_head(std::ostream& out, contact_sheet const& sheet)
{
    auto folder = fs::absolute(sheet.folder / "").lexically_normal().parent_path();
    auto name = html((folder.has_filename() ? folder.filename() : folder).native());
    std::uint64_t bytes = 0;
    for (auto const& entry : sheet.entries)
        bytes += entry.made ? entry.made->bytes : 0;
    out << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
        << name << "</title>\n<style>" << sheet_style << "</style>\n</head>\n<body>\n<header>\n<h1><bdi>" << name
        << "</bdi></h1>\n<p class=\"summary\">" << counted(sheet.made(), "picture", "pictures") << " · "
        << in_units(bytes);
    if (sheet.failed() > 0)
        out << " · <a href=\"#failures\">" << sheet.failed() << " failed</a>";
    if (sheet.left_out() > 0)
        out << " · " << sheet.left_out() << " left out, since it was stopped";
    out << "</p>\n</header>\n" << sheet_controls;
}

} // namespace

std::size_t contact_sheet::made() const
{
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [](sheet_entry const& each) { return each.made.has_value(); }));
}

std::size_t contact_sheet::failed() const
{
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [](sheet_entry const& each) { return !each.why.empty(); }));
}

std::string contact_sheet::name(sheet_entry const& entry) const
{
    return entry.file.lexically_relative(folder).native();
}

fs::path write(contact_sheet const& sheet, fs::path const& output)
{
    std::ostringstream page;
    write_head(page, sheet);
    for (auto begin = sheet.entries.begin(); begin != sheet.entries.end();) {
        auto end = std::find_if(begin, sheet.entries.end(), [&](sheet_entry const& each) {
            return each.file.parent_path() != begin->file.parent_path();
        });
        write_folder(page, begin, end, sheet, output);
        begin = end;
    }
    if (sheet.failed() > 0)
        write_failures(page, sheet);
    page << "<script>" << sheet_script << "</script>\n</body>\n</html>\n";
    auto file = output / "contact.html";
    replace(file, page.str());
    return file;
}
