// What an archive has met of classes, and of objects that pointers can refer to.
#include <wodehaus/detail/archive.hpp>
#include <wodehaus/detail/ledger.hpp>

#include <stdexcept>
#include <utility>

namespace wodehaus::detail {

namespace {

using boost::archive::detail::archive_serializer_map;

[[noreturn]] void lie(char const* what)
{
    throw std::invalid_argument{what};
}

// Two shared objects may each have a loader of the same class; Boost takes them for one.
bool same(ledger::object_loader const& one, ledger::object_loader const& other) noexcept
{
    return &one == &other || one.get_eti() == other.get_eti();
}

} // namespace

bool ledger::knows(object_loader const& what) const noexcept
{
    for (std::size_t i = 0; i < classes_; ++i)
        if (&class_at(i) == &what)
            return true;
    for (std::size_t i = 0; i < classes_; ++i)
        if (same(class_at(i), what))
            return true;
    return false;
}

void ledger::add(object_loader const& what)
{
    if (classes_ < few)
        first_[classes_] = &what;
    else
        others_.push_back(&what);
    ++classes_;
}

void ledger::remember(object_loader const& what)
{
    if (!knows(what))
        add(what);
    last_ = &what;
}

void ledger::meet_pointer(pointer_loader const* what)
{
    may_be_new_ = !what || what->get_basic_serializer().is_polymorphic();
}

bool ledger::take_class_id(int id)
{
    whose_ = std::exchange(owner_, owner::nobody);
    if (id == -1)
        return false;
    auto known = classes_;
    if (id < 0 || static_cast<std::size_t>(id) > known || (static_cast<std::size_t>(id) == known && !may_be_new_))
        lie("the message refers to a class that it has not told of");
    if (static_cast<std::size_t>(id) < known) {
        current_ = &class_at(static_cast<std::size_t>(id));
        if (!current_->get_bpis_ptr())
            lie("the message has a pointer to what no pointer points to");
    }
    through_pointer_ = true;
    return true;
}

void ledger::take_class_name(char const* name)
{
    auto const* type = boost::serialization::extended_type_info::find(name);
    if (!type)
        return; // Boost says so
    auto const* found = static_cast<pointer_loader const*>(archive_serializer_map<input_archive>::find(*type));
    if (!found)
        lie("the message names a class that cannot be loaded by a pointer");
    auto const& what = found->get_basic_serializer();
    if (knows(what))
        lie("the message tells of a class for the second time");
    add(what);
    last_ = current_ = &what;
}

bool ledger::take_object_id(std::uint32_t id)
{
    bool pointer = std::exchange(through_pointer_, false);
    if (id >= objects_.size()) {
        objects_.push_back({current_, pointer, pointer ? whose_ : owner::nobody});
        return true;
    }
    if (!pointer)
        return false; // what is no pointer keeps its own object
    auto& known = objects_[id];
    if (!same(*known.what, *current_))
        lie("the message has a pointer to an object of another class");
    if (whose_ != owner::nobody) {
        bool shared = known.whose == whose_ && whose_ != owner::alone;
        if (!known.on_heap || (known.whose != owner::nobody && !shared))
            lie("the message gives an object to a second owner");
        known.whose = whose_;
    }
    return false;
}

} // namespace wodehaus::detail
