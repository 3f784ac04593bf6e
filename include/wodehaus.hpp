// wodehaus: functions on values in processes of their own, as asynchronous operations. All of it.
#pragma once

#include <wodehaus/errc.hpp>
#include <wodehaus/init.hpp>
#include <wodehaus/job_server.hpp>
#include <wodehaus/logger.hpp>
#include <wodehaus/options.hpp>
#include <wodehaus/outcome.hpp>
#include <wodehaus/process_name.hpp>
#include <wodehaus/start.hpp>
#include <wodehaus/task.hpp>
#include <wodehaus/this_job.hpp>
#include <wodehaus/worker.hpp>
