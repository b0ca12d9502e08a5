/** Where the compiled tests are. */
exports.folder = require("node:path").resolve("node_modules/.cache/tests");
