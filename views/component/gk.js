import { word } from "./words.js";

// Gauss-Krueger on the CGCS2000 ellipsoid (Krueger's series to the fourth order, scale 1, 500 km false easting).

const AXIS = 6378137;
const FLATTENING = 1 / 298.257222101;
const NU = FLATTENING / (2 - FLATTENING);
const RECTIFYING = (AXIS / (1 + NU)) * (1 + NU ** 2 / 4 + NU ** 4 / 64);
const SERIES = [
  NU / 2 - (2 * NU ** 2) / 3 + (5 * NU ** 3) / 16 + (41 * NU ** 4) / 180,
  (13 * NU ** 2) / 48 - (3 * NU ** 3) / 5 + (557 * NU ** 4) / 1440,
  (61 * NU ** 3) / 240 - (103 * NU ** 4) / 140,
  (49561 * NU ** 4) / 161280,
];
const RADIAN = Math.PI / 180;

export function gaussKrueger(lon, lat, meridian) {
  const c = (2 * Math.sqrt(NU)) / (1 + NU);
  const sine = Math.sin(lat * RADIAN);
  const t = Math.sinh(Math.atanh(sine) - c * Math.atanh(c * sine));
  const away = (lon - meridian) * RADIAN;
  const xi = Math.atan2(t, Math.cos(away));
  const eta = Math.atanh(Math.sin(away) / Math.hypot(1, t));
  let east = eta;
  let north = xi;
  SERIES.forEach((alpha, i) => {
    const k = 2 * (i + 1);
    east += alpha * Math.cos(k * xi) * Math.sinh(k * eta);
    north += alpha * Math.sin(k * xi) * Math.cosh(k * eta);
  });
  return [500000 + RECTIFYING * east, RECTIFYING * north];
}

export function zoneOf(lon) {
  const number = Math.round(lon / 3);
  const inside = lon >= 73.5 && lon <= 136.5;
  return { number, meridian: number * 3, code: inside ? `EPSG:${4534 + number - 25}` : "" };
}

export function lengthMetres(points) {
  let total = 0;
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1], points[i]];
    const middle = (a[0] + b[0]) / 2;
    const [p, q] = [gaussKrueger(a[0], a[1], middle), gaussKrueger(b[0], b[1], middle)];
    total += Math.hypot(p[0] - q[0], p[1] - q[1]);
  }
  return total;
}

export function areaSquareMetres(points) {
  if (points.length < 3) return 0;
  const middle = points.reduce((sum, p) => sum + p[0], 0) / points.length;
  const flat = points.map((p) => gaussKrueger(p[0], p[1], middle));
  let twice = 0;
  flat.forEach((p, i) => {
    const q = flat[(i + 1) % flat.length];
    twice += p[0] * q[1] - q[0] * p[1];
  });
  return Math.abs(twice) / 2;
}

export function formatLength(metres) {
  return metres < 1000 ? word("m", { n: metres.toFixed(1) }) : word("km", { n: (metres / 1000).toFixed(2) });
}

export function formatArea(square) {
  const mu = (square * 3) / 2000;
  const main =
    square < 1e6 ? word("m2", { n: Math.round(square).toLocaleString("zh-CN") }) : word("km2", { n: (square / 1e6).toFixed(2) });
  return word("area_units", { main, mu: mu < 100 ? mu.toFixed(2) : Math.round(mu).toLocaleString("zh-CN"), ha: (square / 1e4).toFixed(2) });
}

function sexagesimal(degrees, letters) {
  const seconds = Math.round(Math.abs(degrees) * 36000) / 10;
  const whole = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds - whole * 3600) / 60);
  const rest = (seconds - whole * 3600 - minutes * 60).toFixed(1);
  return `${letters[degrees < 0 ? 1 : 0]}${whole}°${String(minutes).padStart(2, "0")}′${rest.padStart(4, "0")}″`;
}

export function formatPosition(lon, lat, style) {
  if (style === "dms") return `${sexagesimal(lon, [word("east"), word("west")])}　${sexagesimal(lat, [word("north"), word("south")])}`;
  if (style === "gk") {
    const zone = zoneOf(lon);
    const [east, north] = gaussKrueger(lon, lat, zone.meridian);
    return `X ${north.toFixed(1)}　Y ${zone.number} ${east.toFixed(1)}　${zone.code}`;
  }
  return `${lon.toFixed(6)}, ${lat.toFixed(6)}`;
}
