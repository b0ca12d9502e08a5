export { end as default } from "./shared-postgres.mjs";
