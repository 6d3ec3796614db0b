// What teams write by hand: a proxy that puts one row into PostgreSQL before it answers.
//   node handmade.js PORT UPSTREAM-PORT DATABASE-URL
import express from "express";
import http from "node:http";
import pg from "pg";

const [port, upstream, database] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 128 });
const pool = new pg.Pool({ connectionString: database, max: 32 });
const insert =
  "INSERT INTO audit (method, path, actor, body, status, answer) VALUES ($1, $2, $3, $4, $5, $6)";

await pool.query(
  `CREATE TABLE IF NOT EXISTS audit (
     id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), method text NOT NULL,
     path text NOT NULL, actor text, body jsonb, status int NOT NULL, answer text)`,
);

const app = express();
app.disable("x-powered-by");
app.use(express.json({ limit: "1mb" }));
app.use((request, response, next) => {
  const body = request.body === undefined ? "" : JSON.stringify(request.body);
  const headers = { ...request.headers, "content-length": Buffer.byteLength(body) };
  const options = { host: "127.0.0.1", port: upstream, path: request.url, agent, headers };
  const outgoing = http.request({ ...options, method: request.method }, (incoming) => {
    const chunks = [];
    incoming.on("data", (chunk) => chunks.push(chunk));
    incoming.on("end", async () => {
      try {
        const answer = Buffer.concat(chunks);
        const actor = request.headers["x-user"] ?? null;
        const row = [request.method, request.path, actor, body || null, incoming.statusCode];
        await pool.query(insert, [...row, answer.toString("utf8")]);
        response.status(incoming.statusCode).type(incoming.headers["content-type"] ?? "text").send(answer);
      } catch (error) {
        next(error);
      }
    });
  });
  outgoing.on("error", next);
  outgoing.end(body);
});
app.listen(Number(port), "127.0.0.1");
