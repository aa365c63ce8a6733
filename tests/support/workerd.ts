/** Runs a Worker in workerd, bundled as wrangler bundles it. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { build, type BuildOptions } from "esbuild";
import { startChild } from "./child.ts";
import { programs } from "./programs.ts";

export interface WorkerdOptions {
  /** The project's folder: where the Worker lies and its packages are installed. */
  readonly folder: string;
  /** The Worker's variables whose values are strings, by name. */
  readonly vars?: Readonly<Record<string, string>>;
  /** The compatibility date, as in wrangler.toml. */
  readonly compatibilityDate: string;
  /** The export conditions of the bundler. @default those of a Worker */
  readonly conditions?: readonly string[];
  readonly bundle?: Pick<BuildOptions, "define" | "stdin">;
  /** Classes of Durable Objects, by the name of their binding. Their storage is on disk, in the folder, and outlives the process. */
  readonly durableObjects?: Readonly<Record<string, string>>;
  /** Service bindings: the address of an HTTP server, such as `127.0.0.1:8080`, by the name of the binding. */
  readonly services?: Readonly<Record<string, string>>;
  /** Its cron trigger, which fires with each request; without one, it answers requests itself. */
  readonly cron?: string;
}

export interface RunningWorker {
  /** Without a slash at the end. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Leaves `?module` imports to the runtime, and says which they were. */
async function bundleWorker(main: string, options: WorkerdOptions, outfile: string): Promise<string[]> {
  const modules: string[] = [];
  await build({
    absWorkingDir: options.folder,
    ...(options.bundle?.stdin === undefined && { entryPoints: [main] }),
    ...options.bundle,
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: [...options.conditions ?? ["workerd", "worker", "browser"]],
    logLevel: "error",
    plugins: [{
      name: "compiled-wasm",
      setup({ onResolve }): void {
        onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => {
          const name = path.replace("?module", "");
          modules.push(`${resolveDir}/${name}`);
          return { path: name, external: true };
        });
      },
    }],
  });
  return modules;
}

/** A Worker that fires another one's cron trigger. */
function triggerSource(cron: string): string {
  return `export default {
    async fetch(request, env) {
      await env.worker.scheduled({ scheduledTime: new Date(), cron: ${JSON.stringify(cron)} });
      return new Response("fired");
    },
  };`;
}

/** Starts it on a free port. */
export async function startWorker(main: string, options: WorkerdOptions): Promise<RunningWorker> {
  const folder = `${options.folder}/workerd`;
  mkdirSync(folder, { recursive: true });
  const modules = await bundleWorker(main, options, `${folder}/worker.js`);
  const names = modules.map((path) => path.split("/").at(-1) ?? "");
  for (const [index, name] of names.entries()) copyFileSync(modules[index] ?? "", `${folder}/${name}`);
  const vars = Object.entries(options.vars ?? {}).map(([name, text]) => `(name = "${name}", text = "${text}")`);
  const objects = Object.entries(options.durableObjects ?? {});
  const services = Object.entries(options.services ?? {});
  const bound = services.map(([name]) => `(name = "${name}", service = "${name}")`);
  const external = services.map(([name, address]) =>
    `(name = "${name}", external = (address = "${address}", http = ())),`
  );
  const namespaces = objects.map(([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}")`);
  const classes = objects.map(([, name]) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`);
  mkdirSync(`${folder}/disk`, { recursive: true });
  const storage = `durableObjectNamespaces = [${classes.join(", ")}],
      durableObjectStorage = (localDisk = "disk"),`;
  if (options.cron !== undefined) writeFileSync(`${folder}/trigger.js`, triggerSource(options.cron));
  const trigger = options.cron === undefined ? "" : `(name = "trigger", worker = (
      modules = [(name = "trigger.js", esModule = embed "trigger.js")],
      compatibilityDate = "${options.compatibilityDate}",
      bindings = [(name = "worker", service = "main")],
    )),`;
  writeFileSync(
    `${folder}/config.capnp`,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [
        (name = "worker.js", esModule = embed "worker.js"),
        ${names.map((name) => `(name = "${name}", wasm = embed "${name}"),`).join("\n")}
      ],
      compatibilityDate = "${options.compatibilityDate}",
      bindings = [${[...vars, ...namespaces, ...bound].join(", ")}],
      ${objects.length > 0 ? storage : ""}
    )),
    (name = "disk", disk = (path = "${folder}/disk", writable = true)),
    ${trigger}
    ${external.join("\n    ")}
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "${
      options.cron === undefined ? "main" : "trigger"
    }")],
);
`,
  );
  const { child, result, said } = startChild([
    programs.workerd,
    "serve",
    `${folder}/config.capnp`,
    "--control-fd=1",
  ]);
  const port = await said(/"event":"listen","socket":"http","port":(\d+)/);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop(): Promise<void> {
      child.kill("SIGKILL");
      await result;
    },
  };
}
