// What an archive has met of classes, and of objects that pointers can refer to. Boost.Serialization believes what a
// message says of them: a number that is a lie reads beyond its tables, or makes two owners of one object.
#pragma once

#include <wodehaus/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace boost::archive::detail {
class basic_iserializer;
class basic_pointer_iserializer;
} // namespace boost::archive::detail

namespace wodehaus::detail {

/// Who deletes what a pointer points to. A raw pointer's user has to know; what one in a message refers to is not
/// protected from a hostile message.
enum class owner : unsigned char { nobody, alone, std_shared, boost_shared };

/// Keeps Boost's tables of an input archive once more, and throws before a number from the message would harm them.
class WODEHAUS_DECL ledger {
public:
    using object_loader = boost::archive::detail::basic_iserializer;
    using pointer_loader = boost::archive::detail::basic_pointer_iserializer;

    /// An object of this class is about to be loaded, or the class is made known.
    void meet(object_loader const& what)
    {
        if (&what != last_)
            remember(what);
        current_ = &what;
        through_pointer_ = false;
    }
    /// The next pointer belongs to such a one.
    void owned_by(owner whom) noexcept { owner_ = whom; }
    /// A pointer is about to be loaded; null: to an abstract class.
    void meet_pointer(pointer_loader const* what);
    /// The class of what the pointer refers to; false: to nothing.
    bool take_class_id(int id);
    /// The name of a class with a new number.
    void take_class_name(char const* name);
    /// Whether the object is a new one.
    bool take_object_id(std::uint32_t id);
    /// The number belongs to a pointer.
    bool through_pointer() const noexcept { return through_pointer_; }

private:
    struct object {
        object_loader const* what;
        bool on_heap;
        owner whose;
    };

    void remember(object_loader const& what);
    void add(object_loader const& what);
    bool knows(object_loader const& what) const noexcept;
    object_loader const& class_at(std::size_t number) const noexcept
    {
        return *(number < few ? first_[number] : others_[number - few]);
    }

    static constexpr std::size_t few = 8; ///< most messages have no more classes, and then this allocates nothing
    object_loader const* first_[few];     ///< by their numbers
    std::vector<object_loader const*> others_;
    std::size_t classes_ = 0;
    std::vector<object> objects_; ///< by theirs
    object_loader const *last_ = nullptr, *current_ = nullptr;
    bool may_be_new_ = false, through_pointer_ = false;
    owner owner_ = owner::nobody, whose_ = owner::nobody; ///< of the next pointer, of this one
};

} // namespace wodehaus::detail
