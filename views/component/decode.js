// Vector tile bytes -> flat typed arrays. Only what the map draws is read: ids and geometry.

function reader(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at];
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  return {
    varint,
    get at() {
      return at;
    },
    seek(to) {
      at = to;
    },
    skip(wire) {
      if (wire === 0) varint();
      else if (wire === 2) {
        const length = varint();
        at += length;
      } else at += wire === 5 ? 4 : 8;
    },
  };
}

function decodeLayer(bytes, from, to) {
  const read = reader(bytes);
  read.seek(from);
  const features = [];
  let name = "";
  while (read.at < to) {
    const key = read.varint();
    if (key === 0x0a) {
      const length = read.varint();
      name = new TextDecoder().decode(bytes.subarray(read.at, read.at + length));
      read.seek(read.at + length);
    } else if (key === 0x12) {
      const length = read.varint();
      features.push(read.at, read.at + length);
      read.seek(read.at + length);
    } else read.skip(key & 7);
  }
  const count = features.length / 2;
  const layer = {
    name,
    count,
    kind: 0,
    ids: new Uint32Array(count),
    parts: new Uint32Array(count + 1),
    starts: new Uint32Array(to - from),
    xy: new Int16Array(to - from),
    boxes: new Int16Array(count * 4),
  };
  let corner = 0;
  let part = 0;
  for (let f = 0; f < count; f += 1) {
    read.seek(features[2 * f]);
    layer.parts[f] = part;
    let [west, north, east, south] = [32767, 32767, -32768, -32768];
    while (read.at < features[2 * f + 1]) {
      const key = read.varint();
      if (key === 0x08) layer.ids[f] = read.varint();
      else if (key === 0x18) layer.kind = read.varint();
      else if (key === 0x22) {
        const length = read.varint();
        const end = read.at + length;
        let [x, y] = [0, 0];
        while (read.at < end) {
          const command = read.varint();
          const times = command >> 3;
          if ((command & 7) === 7) continue;
          for (let i = 0; i < times; i += 1) {
            const dx = read.varint();
            const dy = read.varint();
            x += (dx >>> 1) ^ -(dx & 1);
            y += (dy >>> 1) ^ -(dy & 1);
            if ((command & 7) === 1) {
              layer.starts[part] = corner;
              part += 1;
            }
            layer.xy[2 * corner] = x;
            layer.xy[2 * corner + 1] = y;
            corner += 1;
            if (x < west) west = x;
            if (x > east) east = x;
            if (y < north) north = y;
            if (y > south) south = y;
          }
        }
      } else read.skip(key & 7);
    }
    layer.boxes.set([west, north, east, south], 4 * f);
  }
  layer.parts[count] = part;
  layer.starts[part] = corner;
  layer.starts = layer.starts.slice(0, part + 1);
  layer.xy = layer.xy.slice(0, 2 * corner);
  return layer;
}

export function decodeTile(buffer) {
  const bytes = new Uint8Array(buffer);
  const read = reader(bytes);
  const found = { main: null, anchors: null };
  while (read.at < bytes.length) {
    const key = read.varint();
    if (key !== 0x1a) {
      read.skip(key & 7);
      continue;
    }
    const length = read.varint();
    const layer = decodeLayer(bytes, read.at, read.at + length);
    found[layer.name === "anchors" ? "anchors" : "main"] = layer;
    read.seek(read.at + length);
  }
  return found;
}

export function unpackValues(buffer) {
  const width = new Uint8Array(buffer, 0, 1)[0];
  const Kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width];
  return new Kind(buffer, 8);
}
