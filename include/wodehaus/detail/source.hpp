// Where a run's tasks come from and where their outcomes go: producer and consumer behind one compiled interface.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <wodehaus/detail/door.hpp>

#include <functional>
#include <stop_token>
#include <tuple>
#include <variant>

namespace wodehaus::detail {

/// Whether an exception says no more than "cancelled".
WODEHAUS_DECL bool is_cancellation(std::exception_ptr const& error) noexcept;

/// A task that a producer gave, and its way to the consumer.
class produced_task {
public:
    using done = std::function<void(std::exception_ptr)>;

    virtual ~produced_task() = default;
    /// Makes values of the bytes. Gives a copy of the failure where there is one, for counting and logging.
    virtual std::optional<failure> load(outcome<payload>&& bytes, std::size_t budget) = 0;
    /// Gives the outcome to the consumer; `finished` is called once the consumer is ready for the next.
    virtual void consume(done finished) = 0;
    /// Asks a consumer that is suspended to give up, on the strand; `finished` is called all the same.
    virtual void cancel() = 0;

    job_request request;
    bool failure_is_seen = true; ///< whether the consumer is told of failures
};

/// Where the tasks of one run come from. Used on the strand only.
class source {
public:
    /// The next task, or null at the end; or the exception that ends the producing.
    using reply = std::function<void(std::exception_ptr, std::unique_ptr<produced_task>)>;

    virtual ~source() = default;
    virtual void attach(boost::asio::any_io_executor strand) = 0;
    /// Asks for one task. Not called again before the reply.
    virtual void next(reply) = 0;
    /// Asks the producer to give up; the reply still comes.
    virtual void cancel() = 0;
    /// No reply is wanted any more. False where one comes all the same and must be waited for.
    virtual bool abandon() = 0;
    /// Whether `cancel` reaches a producer that is at work; if not, the run has to wait for it.
    virtual bool hears_cancel() const = 0;
};

/// A producer that may block, on a thread of its own. The thread holds this by itself, so that a run can end without
/// waiting for a producer that does not return.
class WODEHAUS_DECL producer_thread {
public:
    /// One call of the producer: what it makes of it goes to the strand.
    using step = std::function<std::function<void()>(std::stop_token)>;

    explicit producer_thread(step one);
    ~producer_thread();
    void attach(boost::asio::any_io_executor strand);
    void next();
    void cancel();
    void close(); ///< nothing is posted from now on; a thread that waits for the next call ends

private:
    struct state;
    std::shared_ptr<state> state_;
};

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class E>
inline constexpr bool is_awaitable<boost::asio::awaitable<T, E>> = true;

/// A callable wrapped by `blocking`.
template <class F>
struct blocking_producer {
    F function;

    decltype(auto) call(std::stop_token token)
    {
        if constexpr (std::is_invocable_v<F&, std::stop_token>)
            return function(std::move(token));
        else
            return function();
    }
    static constexpr bool hears_stop = std::is_invocable_v<F&, std::stop_token>;
};

// What a producer gives: std::optional of a task or of a variant of tasks, at once or awaited.
template <class T>
struct gives {};
template <class W>
struct gives<std::optional<task<W>>> {
    using tasks = std::tuple<task<W>>;
};
template <class... W>
struct gives<std::optional<std::variant<task<W>...>>> {
    using tasks = std::tuple<task<W>...>;
};
template <class T, class E>
struct gives<boost::asio::awaitable<T, E>> : gives<T> {};

template <class P>
struct call_result {};
template <class P>
    requires std::is_invocable_v<P&>
struct call_result<P> {
    using type = std::remove_cvref_t<std::invoke_result_t<P&>>;
};
template <class F>
struct call_result<blocking_producer<F>> {
    using type = std::remove_cvref_t<decltype(std::declval<blocking_producer<F>&>().call({}))>;
};
template <class P>
using produced_by = typename gives<typename call_result<P>::type>::tasks;

template <class P>
concept is_producer = requires { typename produced_by<P>; };

template <class Consumer, class Worker>
inline constexpr bool takes_outcome =
    std::is_invocable_v<Consumer&, job_of<Worker> const&, outcome<result_of<Worker>>>;
template <class Consumer, class Worker>
constexpr bool takes_result()
{
    if constexpr (std::is_void_v<result_of<Worker>>)
        return std::is_invocable_v<Consumer&, job_of<Worker> const&>;
    else
        return std::is_invocable_v<Consumer&, job_of<Worker> const&, result_of<Worker>>;
}

template <class Consumer, class Tasks>
inline constexpr bool consumes = false;
template <class Consumer, class... W>
inline constexpr bool consumes<Consumer, std::tuple<task<W>...>> =
    ((takes_outcome<Consumer, W> || takes_result<Consumer, W>()) && ...);

/// Drops what it is given. As a consumer it counts as one of the forms that are not told of failures.
struct ignore_results {
    template <class Job, class Result>
    void operator()(Job const&, Result&&) const noexcept
    {
    }
    template <class Job>
    void operator()(Job const&) const noexcept
    {
    }
};

template <class Consumer>
struct consumer_seat { // shared by the tasks of a run, since a task may end after its source
    Consumer consumer;
    boost::asio::any_io_executor strand{};
};

template <class Worker, class Consumer>
class consumed_task final : public produced_task {
    static constexpr bool with_outcome =
        takes_outcome<Consumer, Worker> && !std::is_same_v<Consumer, ignore_results>;

public:
    consumed_task(task<Worker>&& from, std::shared_ptr<consumer_seat<Consumer>> seat)
        : job_(std::move(from.job)), seat_(std::move(seat))
    {
        request = make_request(from.worker, job_, from.settings());
        failure_is_seen = with_outcome;
    }

    std::optional<failure> load(outcome<payload>&& bytes, std::size_t budget) override
    {
        outcome_ = unpack<Worker>(std::move(bytes), budget);
        return outcome_ ? std::nullopt : std::optional{outcome_.error()};
    }

    void consume(done finished) override
    {
        if constexpr (with_outcome)
            give(std::move(finished), [this]() -> decltype(auto) { return seat_->consumer(job(), std::move(outcome_)); });
        else if (!outcome_)
            finished(nullptr);
        else if constexpr (std::is_void_v<result_of<Worker>>)
            give(std::move(finished), [this]() -> decltype(auto) { return seat_->consumer(job()); });
        else
            give(std::move(finished), [this]() -> decltype(auto) { return seat_->consumer(job(), std::move(*outcome_)); });
    }

    void cancel() override
    {
        cancelled_ = true;
        signal_.emit(boost::asio::cancellation_type::terminal);
    }

private:
    job_of<Worker> const& job() const noexcept { return job_; }

    template <class Call>
    void give(done finished, Call call)
    {
        try {
            if constexpr (is_awaitable<std::remove_cvref_t<decltype(call())>>) {
                // `finished` holds this task.
                boost::asio::co_spawn(
                    seat_->strand, call(),
                    boost::asio::bind_cancellation_slot(
                        signal_.slot(), [this, finished = std::move(finished)](std::exception_ptr error, auto&&...) {
                            finished(error && cancelled_ && is_cancellation(error) ? nullptr : error);
                        }));
                return;
            } else {
                static_cast<void>(call());
            }
        } catch (...) {
            finished(std::current_exception());
            return;
        }
        finished(nullptr);
    }

    job_of<Worker> job_;
    outcome<result_of<Worker>> outcome_;
    std::shared_ptr<consumer_seat<Consumer>> seat_;
    boost::asio::cancellation_signal signal_;
    bool cancelled_ = false;
};

template <class Consumer, class Worker>
std::unique_ptr<produced_task> consumed(task<Worker>&& from, std::shared_ptr<consumer_seat<Consumer>> const& seat)
{
    return std::make_unique<consumed_task<Worker, Consumer>>(std::move(from), seat);
}
template <class Consumer, class... W>
std::unique_ptr<produced_task> consumed(std::variant<task<W>...>&& from,
                                        std::shared_ptr<consumer_seat<Consumer>> const& seat)
{
    return std::visit([&](auto&& one) { return consumed(std::move(one), seat); }, std::move(from));
}
template <class Consumer, class Task>
std::unique_ptr<produced_task> consumed(std::optional<Task>&& from,
                                        std::shared_ptr<consumer_seat<Consumer>> const& seat)
{
    return from ? consumed(std::move(*from), seat) : nullptr;
}

/// A producer that answers at once.
template <class Producer, class Consumer>
class calling_source final : public source {
public:
    calling_source(Producer producer, std::shared_ptr<consumer_seat<Consumer>> seat)
        : producer_(std::move(producer)), seat_(std::move(seat))
    {
    }
    void attach(boost::asio::any_io_executor strand) override { seat_->strand = std::move(strand); }
    void next(reply answer) override
    {
        std::unique_ptr<produced_task> given;
        std::exception_ptr error;
        try {
            given = consumed(producer_(), seat_);
        } catch (struct stop const&) {
        } catch (...) {
            error = std::current_exception();
        }
        answer(error, std::move(given));
    }
    void cancel() override {}
    bool abandon() override { return true; }
    bool hears_cancel() const override { return true; }

private:
    Producer producer_;
    std::shared_ptr<consumer_seat<Consumer>> seat_;
};

/// A producer that is a coroutine.
template <class Producer, class Consumer>
class awaiting_source final : public source {
public:
    awaiting_source(Producer producer, std::shared_ptr<consumer_seat<Consumer>> seat)
        : state_(std::make_shared<state>(std::move(producer))), seat_(std::move(seat))
    {
    }
    void attach(boost::asio::any_io_executor strand) override { seat_->strand = std::move(strand); }
    void next(reply answer) override
    {
        // The coroutine holds the producer and the signal: both outlive it, even where the run does not wait.
        state_->under_way = true;
        boost::asio::co_spawn(
            seat_->strand, call(state_),
            boost::asio::bind_cancellation_slot(
                state_->signal.slot(),
                [answer = std::move(answer), seat = seat_, held = state_](std::exception_ptr error, given_type given) {
                    held->under_way = false;
                    std::unique_ptr<produced_task> one;
                    try {
                        if (!error)
                            one = consumed(std::move(given), seat);
                        else
                            std::rethrow_exception(std::exchange(error, nullptr));
                    } catch (struct stop const&) {
                    } catch (...) {
                        error = std::current_exception();
                    }
                    if (held->cancelled && error && is_cancellation(error))
                        error = nullptr;
                    answer(error, std::move(one));
                }));
    }
    void cancel() override
    {
        // On the strand, where the coroutine is, even when the server is destroyed elsewhere.
        boost::asio::dispatch(seat_->strand, [held = state_] {
            held->cancelled = true;
            if (held->under_way)
                held->signal.emit(boost::asio::cancellation_type::terminal);
        });
    }
    bool abandon() override
    {
        cancel();
        return false;
    }
    bool hears_cancel() const override { return true; }

private:
    struct state {
        explicit state(Producer&& from) : producer(std::move(from)) {}
        Producer producer;
        boost::asio::cancellation_signal signal;
        bool cancelled = false, under_way = false;
    };
    using given_type = typename std::invoke_result_t<Producer&>::value_type;

    static boost::asio::awaitable<given_type> call(std::shared_ptr<state> held)
    {
        co_return co_await held->producer();
    }

    std::shared_ptr<state> state_;
    std::shared_ptr<consumer_seat<Consumer>> seat_;
};

/// A producer that may block.
template <class Function, class Consumer>
class blocking_source final : public source {
public:
    blocking_source(blocking_producer<Function> producer, std::shared_ptr<consumer_seat<Consumer>> seat)
        : state_(std::make_shared<state>(std::move(producer), seat)), seat_(std::move(seat)),
          thread_([held = state_](std::stop_token token) { return step(held, std::move(token)); })
    {
    }
    ~blocking_source() override
    {
        thread_.close();
        seat_->strand = {}; // the thread may hold the seat longer than the strand's context lives
    }
    void attach(boost::asio::any_io_executor strand) override
    {
        seat_->strand = strand;
        thread_.attach(std::move(strand));
    }
    void next(reply answer) override
    {
        state_->answer = std::move(answer);
        thread_.next();
    }
    void cancel() override { thread_.cancel(); }
    bool abandon() override
    {
        thread_.cancel();
        thread_.close();
        return true;
    }
    bool hears_cancel() const override { return blocking_producer<Function>::hears_stop; }

private:
    struct state {
        state(blocking_producer<Function>&& from, std::shared_ptr<consumer_seat<Consumer>> to)
            : producer(std::move(from)), seat(std::move(to))
        {
        }
        blocking_producer<Function> producer;
        std::shared_ptr<consumer_seat<Consumer>> seat;
        reply answer; // set on the strand before the thread is woken, taken on the strand
    };

    // On the thread: calls the producer and saves its task; the answer is given on the strand.
    static std::function<void()> step(std::shared_ptr<state> const& held, std::stop_token token)
    {
        auto given = std::make_shared<std::unique_ptr<produced_task>>();
        std::exception_ptr error;
        try {
            *given = consumed(held->producer.call(std::move(token)), held->seat);
        } catch (struct stop const&) {
        } catch (...) {
            error = std::current_exception();
        }
        return [held, given, error] { std::exchange(held->answer, nullptr)(error, std::move(*given)); };
    }

    std::shared_ptr<state> state_;
    std::shared_ptr<consumer_seat<Consumer>> seat_;
    producer_thread thread_;
};

template <class T>
inline constexpr bool is_blocking = false;
template <class F>
inline constexpr bool is_blocking<blocking_producer<F>> = true;

template <class Producer, class Consumer>
std::unique_ptr<source> make_source(Producer producer, Consumer consumer)
{
    auto seat = std::make_shared<consumer_seat<Consumer>>(consumer_seat<Consumer>{std::move(consumer)});
    if constexpr (is_blocking<Producer>)
        return std::make_unique<blocking_source<decltype(producer.function), Consumer>>(std::move(producer), seat);
    else if constexpr (is_awaitable<typename call_result<Producer>::type>)
        return std::make_unique<awaiting_source<Producer, Consumer>>(std::move(producer), seat);
    else
        return std::make_unique<calling_source<Producer, Consumer>>(std::move(producer), seat);
}

} // namespace wodehaus::detail
