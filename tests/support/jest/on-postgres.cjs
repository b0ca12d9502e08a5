// Hosts of these tests are on PostgreSQL: see storages.ts.
process.env.TEST_STORAGE = "postgres";
