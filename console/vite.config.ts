// Builds the console into plain files that a strict content security policy allows:
// nothing inline, no data: URLs, the worker as a file of its own.
import { defineConfig } from "vitest/config";

const GATEWAY = process.env["BEISTAND_PUBLIC_URL"] ?? "http://localhost:8080";

export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "verify.html"] },
  },
  worker: { format: "es" },
  server: { proxy: { "/v1": { target: GATEWAY, ws: true } } },
  // No test is about time, and a busy machine is no failure.
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});
