#include "broker/limits.h"

struct store_limits limits_of_store(const struct options *options)
{
    return (struct store_limits){.free_bytes_min = options->disk_free_min_bytes,
                                 .size_bytes_max = options->disk_use_max_bytes,
                                 .ballast_bytes = options->ballast_bytes,
                                 .keep = {.age_ms = (uint64_t)options->keep_days * 86400000u,
                                          .events = options->keep_events,
                                          .size_bytes = options->keep_size_bytes}};
}

struct watch_limits limits_of_watch(const struct options *options)
{
    return (struct watch_limits){.free_bytes_min = options->disk_free_min_bytes,
                                 .size_bytes_max = options->disk_use_max_bytes};
}

struct doorman_limits limits_of_doorman(const struct options *options)
{
    return (struct doorman_limits){
        .connections_max =
            options->connections_max > 0 ? options->connections_max : doorman_default_max(),
        .per_address = options->connections_per_address,
        .pending_per_address = options->is_insecure ? 0 : options->handshakes_pending_max};
}

struct zap_options limits_of_handshakes(const struct options *options)
{
    return (struct zap_options){.per_address = options->handshakes_per_address,
                                .per_address_burst = options->handshakes_per_address_burst,
                                .per_key = options->handshakes_per_key,
                                .per_key_burst = options->handshakes_per_key_burst};
}

struct keyring_policy limits_of_strangers(const struct options *options)
{
    /* Asking is for everybody: an invitation may bring a new device even where nobody new is wanted. */
    return (struct keyring_policy){.strangers_may_ask = true,
                                   .strangers_may_listen =
                                       options->limits.registration == REGISTRATION_OPEN};
}

void limits_tell_brokers(struct core *core, struct cluster *cluster, const struct options *options)
{
    const bool is_said = options->brokers_told[0] != '\0';

    cluster_tell_clients(cluster, !is_said);
    if (is_said || cluster == NULL)
        core_set_brokers(core, span_of(options->brokers_told));
}

void limits_apply(const struct limited *parts, const struct options *options)
{
    const struct store_limits store = limits_of_store(options);
    const struct watch_limits watch = limits_of_watch(options);
    const struct doorman_limits doorman = limits_of_doorman(options);
    const struct zap_options handshakes = limits_of_handshakes(options);
    const struct keyring_policy strangers = limits_of_strangers(options);

    core_set_limits(parts->core, &options->limits);
    limits_tell_brokers(parts->core, parts->cluster, options);
    writer_set_limits(parts->writer, &store);
    watch_set_limits(parts->watch, &watch);
    doorman_set_limits(parts->doorman, &doorman);
    if (parts->keyring != NULL)
        keyring_set_policy(parts->keyring, &strangers);
    if (parts->zap != NULL)
        zap_set_rates(parts->zap, &handshakes);
}
