//! Every case on every engine: one test each. What the cases are is in `cases`.

use super::cases::{bulk, documents, expiry, finding, preparing, racing, uniqueness, versions};
use super::stage::Kind;

macro_rules! suite {
    ($engine:ident, $kind:expr) => {
        mod $engine {
            use super::*;
            suite!($kind,
                documents: round_trip, null_is_absent, what_looks_like_extended_json, big, too_big, refused,
                    long_keys, long_ids;
                versions: count_up, stale_replace, delete_by_version, update_of_nothing;
                uniqueness: ids, one_member, two_members, absent_members, replacing, first_declared_index;
                expiry: hidden, gives_way_to_an_id, gives_way_to_a_key, gives_way_to_a_replacement,
                    not_replaced_or_deleted, of_a_live_one_changes;
                finding: equality, ranges, over_both_types, orders, ties_by_id, limits, resumed,
                    pages_while_others_insert, whole_keys, without_the_member, misfits, odd_texts;
                bulk: mixed_results, nothing_at_all, many, before, before_a_limit;
                preparing: again, new_index_over_old_documents, new_unique_index_over_duplicates,
                    another_shape, at_once, odd_names;
                racing: one_winner, no_update_is_lost, one_claims, one_takes, updates_of_two_handles, durable,
                    the_stores_clock;
            );
        }
    };
    ($kind:expr, $($module:ident: $($case:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $module::$case($kind).await;
            }
        )+)+
    };
}

suite!(sqlite, Kind::Sqlite);
suite!(mongo_standalone, Kind::Standalone);
suite!(mongo_replica_set, Kind::ReplicaSet);
