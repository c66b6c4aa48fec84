// Draws the outline of the world, in Equal Earth (Šavrič, Patterson and Jenny 2018), as an SVG whose
// parts pages use: #land and #borders. The same projection is in api/src/pages/map/projection.rs.
// usage: node world.mjs ATLAS.json > world.svg     ATLAS: world-atlas (Natural Earth, public domain)
import { readFileSync } from "node:fs";

const [A1, A2, A3, A4] = [1.340264, -0.081106, 0.000893, 0.003796];
const [SCALE, MIDDLE_X, MIDDLE_Y, LATITUDE_MIN] = [181, 494, 240, -58];
const atlas = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { scale, translate } = atlas.transform;

/** Degrees to the units of the drawing. */
function project([longitude, latitude]) {
  const theta = Math.asin((Math.sqrt(3) / 2) * Math.sin((latitude * Math.PI) / 180));
  const square = theta * theta;
  const sixth = square ** 3;
  const slope = A1 + 3 * A2 * square + sixth * (7 * A3 + 9 * A4 * square);
  const x = ((longitude * Math.PI) / 180) * Math.cos(theta) / ((Math.sqrt(3) / 2) * slope);
  const y = theta * (A1 + A2 * square + sixth * (A3 + A4 * square));
  return [MIDDLE_X + SCALE * x, MIDDLE_Y - SCALE * y];
}

/** Points of an arc in degrees; those of a reversed one (~number) backwards. */
function arc(number) {
  let [x, y] = [0, 0];
  const points = atlas.arcs[number < 0 ? ~number : number].map(([dx, dy]) => {
    [x, y] = [x + dx, y + dy];
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
  });
  return number < 0 ? points.reverse() : points;
}

/** The same points with longitudes that run on past 180° instead of jumping to the other edge. */
function unwrap(points) {
  let turn = 0;
  return points.map(([longitude, latitude], at) => {
    const jump = at === 0 ? 0 : longitude - points[at - 1][0];
    turn -= Math.abs(jump) > 180 ? 360 * Math.sign(jump) : 0;
    return [longitude + turn, latitude];
  });
}

/** One stroke through projected points, in tenths of a unit, each relative to the one before. */
function stroke(points, end) {
  let [x, y] = [0, 0];
  let text = "";
  for (const [at, point] of unwrap(points).map(project).entries()) {
    const [toX, toY] = point.map((it) => Math.round(it * 10));
    if (at > 0 && toX === x && toY === y) continue;
    text += at === 0 ? `M${toX / 10} ${toY / 10}l` : `${(toX - x) / 10} ${(toY - y) / 10} `;
    [x, y] = [toX, toY];
  }
  return text.trim().replaceAll(" -", "-") + end;
}

const polygons = (it) => (it.type === "MultiPolygon" ? it.arcs : it.type === "Polygon" ? [it.arcs] : []);
const lands = atlas.objects.land.geometries.flatMap(polygons);
const land = lands
  .flatMap((rings) => rings.map((ring) => ring.flatMap((number, at) => arc(number).slice(at && 1))))
  .filter((ring) => ring.some(([, latitude]) => latitude > LATITUDE_MIN))
  .map((ring) => stroke(ring, "z"));

const uses = new Map();
for (const country of atlas.objects.countries.geometries) {
  for (const number of polygons(country).flat(2)) {
    const key = number < 0 ? ~number : number;
    uses.set(key, (uses.get(key) ?? 0) + 1);
  }
}
const borders = [...uses].filter(([, n]) => n > 1).map(([number]) => stroke(arc(number), ""));

console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 450">
<path id="land" d="${land.join("")}"/>
<path id="borders" d="${borders.join("")}"/>
</svg>`);
