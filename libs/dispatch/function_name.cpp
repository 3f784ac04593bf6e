// What a function is called: the part between the last space before its parameters and these, but for all the places
// where a space or a parenthesis is part of a name.
#include "dispatch/function_name.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace wodehaus::detail {

namespace {

constexpr std::string_view unnamed_namespace = "(anonymous namespace)", word_operator = "operator";

bool is_of_word(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$';
}

/// What follows the word, where that is no conversion; the longer before what they begin with.
constexpr std::string_view operators[]{"()",   "[]",  " new[]", " new", " delete[]", " delete", " co_await", "\"\" ",
                                       "\"\"", "<=>", "<<=",    ">>=",  "->*",       "<<",      ">>",        "<=",
                                       ">=",   "==",  "!=",     "&&",   "||",        "++",      "--",        "+=",
                                       "-=",   "*=",  "/=",     "%=",   "^=",        "&=",      "|=",        "->",
                                       "<",    ">",   "+",      "-",    "*",         "/",       "%",         "^",
                                       "&",    "|",   "~",      "!",    "=",         ","};

class reader {
public:
    explicit reader(std::string_view text) : text_(text) {}

    std::string_view name()
    {
        while (at_ < text_.size() && !is_end_) {
            if (is_operator())
                take_operator();
            else
                take_next();
        }
        auto name = text_.substr(begin_, at_ - begin_);
        while (name.ends_with(' '))
            name.remove_suffix(1);
        return name;
    }

private:
    std::string_view rest() const { return text_.substr(at_); }

    void take_next()
    {
        switch (text_[at_]) {
        case '(':
            return take_parentheses();
        case '<':
            return take_arguments();
        case '{':
            return take_group('{', '}');
        case '[':
            return take_group('[', ']');
        case ')': // of a function that returns a pointer to one
            is_end_ = true;
            return;
        case ' ':
            if (rest().starts_with(" [")) { // what the compiler has made of it: [clone .cold]
                is_end_ = true;
                return;
            }
            [[fallthrough]];
        case '*':
        case '&':
            ++at_;
            if (!is_conversion_)
                begin_ = at_; // that was what it returns
            return;
        default:
            ++at_;
        }
    }

    // The parameters, unless the name goes on behind them.
    void take_parentheses()
    {
        auto before = text_.substr(begin_, at_ - begin_);
        if (rest().starts_with(unnamed_namespace)) {
            at_ += unnamed_namespace.size();
        } else if (before.empty() && is_after_decltype()) {
            take_group('(', ')');
        } else if (before == "decltype") {
            take_group('(', ')');
        } else if (before.empty()) { // a pointer or reference to a function or an array is returned
            begin_ = ++at_;
        } else {
            auto end = at_;
            take_group('(', ')');
            for (std::string_view qualifier : {" const", " volatile", " &&", " &"})
                if (rest().starts_with(qualifier))
                    at_ += qualifier.size();
            is_conversion_ = false;
            if (rest().starts_with("::"))
                return;
            at_ = end;
            is_end_ = true;
        }
    }
    bool is_after_decltype() const { return text_.substr(0, at_).ends_with("decltype "); }

    // Those of a template. What compares in there is in parentheses, but for two operators between such.
    void take_arguments()
    {
        auto const before = is_conversion_;
        for (int depth = 0; at_ < text_.size();) {
            if (is_operator()) {
                take_operator();
            } else if (rest().starts_with("(")) {
                take_group('(', ')');
                if (rest().starts_with(">=(") || rest().starts_with(">>("))
                    at_ += 2;
            } else if (rest().starts_with("{")) {
                take_group('{', '}');
            } else if (rest().starts_with("->")) {
                at_ += 2;
            } else {
                auto c = text_[at_++];
                depth += (c == '<') - (c == '>');
                if (depth == 0)
                    break;
            }
        }
        is_conversion_ = before; // whatever is in there
    }

    void take_group(char opening, char closing)
    {
        for (int depth = 0; at_ < text_.size();) {
            auto c = text_[at_++];
            depth += (c == opening) - (c == closing);
            if (depth == 0)
                return;
        }
    }

    bool is_operator() const
    {
        return rest().starts_with(word_operator) && (at_ == 0 || !is_of_word(text_[at_ - 1])) &&
               rest().size() > word_operator.size() && !is_of_word(rest()[word_operator.size()]);
    }
    void take_operator()
    {
        at_ += word_operator.size();
        auto found = std::find_if(std::begin(operators), std::end(operators),
                                  [this](auto each) { return rest().starts_with(each); });
        if (found == std::end(operators)) {
            is_conversion_ = true; // to what follows, up to the parameters
            return;
        }
        at_ += found->size();
        if (rest().starts_with(" <")) // which parts it from a template's arguments
            ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0, begin_ = 0;
    bool is_conversion_ = false, is_end_ = false;
};

} // namespace

std::string_view function_name(std::string_view demangled)
{
    return reader{demangled}.name();
}

} // namespace wodehaus::detail
