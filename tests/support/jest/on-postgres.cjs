// Runs the hosts of these tests on PostgreSQL: see storages.ts.
process.env.TEST_STORAGE = "postgres";
