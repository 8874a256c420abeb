//! Carriers, and how their fields are read and set: by the getter or setter that is given, or,
//! where it is the API's default, without a call into Python for a dict.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::format::Known;
use crate::convert::text;

/// The values of a field.
pub(super) enum Values<'py> {
    Nothing,
    One(Bound<'py, PyAny>),
    Many(Bound<'py, PyAny>),
}

impl<'py> Values<'py> {
    fn of(values: Bound<'py, PyAny>) -> Self {
        if values.is_none() {
            Self::Nothing
        } else {
            Self::Many(values)
        }
    }

    // Adds one that was found by its name.
    fn add(&mut self, value: Bound<'py, PyAny>) -> PyResult<()> {
        match self {
            Self::Nothing => *self = Self::One(value),
            Self::One(first) => {
                let all = PyList::new(value.py(), [&*first, &value])?;
                *self = Self::Many(all.into_any());
            }
            Self::Many(values) => values.cast::<PyList>()?.append(value)?,
        }
        Ok(())
    }

    /// The first value, if there is one.
    pub(super) fn first(self) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Nothing => Ok(None),
            Self::One(value) => Ok(Some(value)),
            Self::Many(values) => match values.cast::<PyList>() {
                Ok(list) => Ok(list.get_item(0).ok()),
                Err(_) => values.try_iter()?.next().transpose(),
            },
        }
    }

    /// The value of a header that must not be there more than once: `None` where its values
    /// contradict each other.
    pub(super) fn only(self) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Self::Many(values) = &self else {
            return self.first();
        };
        let Ok(list) = values.cast::<PyList>() else {
            return self.first();
        };
        let first = list.get_item(0).ok();
        if list.len() > 1
            && let Some(expected) = first.as_ref().and_then(text::of_header)
            && !list
                .iter()
                .all(|value| text::of_header(&value).as_deref() == Some(&*expected))
        {
            return Ok(None);
        }
        Ok(first)
    }

    /// All values; one that is no text is left out.
    pub(super) fn all(self) -> PyResult<Vec<Bound<'py, PyAny>>> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::One(value) => Ok(vec![value]),
            Self::Many(values) => values.try_iter()?.collect(),
        }
    }
}

/// A field by its name.
pub(crate) type Field<'py> = (Bound<'py, PyBytes>, Bound<'py, PyAny>);

/// Where fields are read from.
pub(crate) enum CarrierSource<'a, 'py> {
    Dict(&'a Bound<'py, PyDict>),
    /// A list or tuple of pairs, with texts or bytes.
    Pairs(&'a Bound<'py, PyAny>),
    /// What such a list holds, taken out of it once for all that look for fields.
    Fields(&'a [Field<'py>]),
    /// The environment of a WSGI request, where a header is called `HTTP_` and its name.
    Environ(&'a Bound<'py, PyDict>),
    /// Something with `get` and `keys`.
    Mapping(&'a Bound<'py, PyAny>),
    Getter {
        getter: &'a Bound<'py, PyAny>,
        carrier: &'a Bound<'py, PyAny>,
    },
}

impl<'a, 'py> CarrierSource<'a, 'py> {
    pub(super) fn new(
        known: &Known,
        carrier: &'a Bound<'py, PyAny>,
        getter: Option<&'a Bound<'py, PyAny>>,
    ) -> Self {
        if let Some(getter) = getter
            && !known.is_default_getter(getter)
        {
            return Self::Getter { getter, carrier };
        }
        if let Ok(carrier) = carrier.cast_exact::<PyDict>() {
            Self::Dict(carrier)
        } else if is_pairs(carrier) {
            Self::Pairs(carrier)
        } else {
            Self::Mapping(carrier)
        }
    }

    /// The values of the field `key`, as the official default getter has them.
    pub(super) fn get(&self, key: &Bound<'py, PyString>) -> PyResult<Values<'py>> {
        let py = key.py();
        let value = match self {
            Self::Dict(carrier) => carrier.get_item(key)?,
            Self::Environ(carrier) => carrier.get_item(environ_name(key)?)?,
            Self::Pairs(carrier) => {
                let mut found = Values::Nothing;
                let Ok(key) = key.to_str() else {
                    return Ok(found);
                };
                for_each_pair(carrier, |_, pair| {
                    if is_name(&pair.name()?, key) {
                        found.add(pair.value()?)?;
                    }
                    Ok(())
                })?;
                return Ok(found);
            }
            Self::Fields(fields) => {
                let mut found = Values::Nothing;
                let key = key.to_str().unwrap_or_default().as_bytes();
                for (name, value) in *fields {
                    if name.as_bytes().eq_ignore_ascii_case(key) {
                        found.add(value.clone())?;
                    }
                }
                return Ok(found);
            }
            Self::Mapping(carrier) => {
                Some(carrier.call_method1(intern!(py, "get"), (key, py.None()))?)
            }
            Self::Getter { getter, carrier } => {
                let values = getter.call_method1(intern!(py, "get"), (carrier, key))?;
                return Ok(Values::of(values));
            }
        };
        let Some(value) = value.filter(|value| !value.is_none()) else {
            return Ok(Values::Nothing);
        };
        if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
            return Ok(Values::One(value));
        }
        match value.try_iter() {
            // A copy, as officially: reading may run code that changes the original.
            Ok(items) => {
                let copy = PyList::empty(py);
                for item in items {
                    copy.append(item?)?;
                }
                Ok(Values::Many(copy.into_any()))
            }
            Err(_) => Ok(Values::One(value)),
        }
    }

    /// The names of all fields.
    pub(super) fn keys(&self) -> PyResult<Vec<Bound<'py, PyAny>>> {
        match self {
            Self::Dict(carrier) => Ok(carrier.keys().iter().collect()),
            Self::Environ(carrier) => Ok(carrier.keys().iter().filter_map(header_name).collect()),
            Self::Pairs(carrier) => {
                let mut names = Vec::new();
                for_each_pair(carrier, |_, pair| {
                    names.push(pair.name()?);
                    Ok(())
                })?;
                Ok(names)
            }
            Self::Fields(fields) => {
                let names = fields.iter().map(|(name, _)| name.clone().into_any());
                Ok(names.collect())
            }
            Self::Mapping(carrier) => carrier
                .call_method0(intern!(carrier.py(), "keys"))?
                .try_iter()?
                .collect(),
            Self::Getter { getter, carrier } => getter
                .call_method1(intern!(carrier.py(), "keys"), (carrier,))?
                .try_iter()?
                .collect(),
        }
    }
}

/// The name of a header in the environment of a WSGI request. Propagators ask for the same few.
fn environ_name<'py>(key: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    static NAMES: Once<Py<PyDict>> = Once::new();
    let py = key.py();
    for (known, name) in [
        (intern!(py, "traceparent"), intern!(py, "HTTP_TRACEPARENT")),
        (intern!(py, "tracestate"), intern!(py, "HTTP_TRACESTATE")),
        (intern!(py, "baggage"), intern!(py, "HTTP_BAGGAGE")),
    ] {
        if key.is(known) {
            return Ok(name.clone().into_any());
        }
    }
    let names = NAMES.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    if let Some(name) = names.get_item(key)? {
        return Ok(name);
    }
    let upper = key.to_string_lossy().to_uppercase().replace('-', "_");
    let name = PyString::new(py, &format!("HTTP_{upper}")).into_any();
    if names.len() < 100 {
        names.set_item(key, &name)?;
    }
    Ok(name)
}

/// The header that a key of such an environment stands for.
fn header_name(key: Bound<'_, PyAny>) -> Option<Bound<'_, PyAny>> {
    let name = text::of_header(&key)?.strip_prefix("HTTP_")?.to_lowercase();
    Some(PyString::new(key.py(), &name.replace('_', "-")).into_any())
}

/// Where fields are set.
pub(crate) enum CarrierTarget<'a, 'py> {
    Dict(&'a Bound<'py, PyDict>),
    /// A list of pairs of a text and bytes.
    Pairs(&'a Bound<'py, PyList>),
    /// A list of names, names in lower case and values, all of them bytes.
    Triples(&'a Bound<'py, PyList>),
    /// A mapping of names in lower case to pairs of a name and a value.
    LowerCased(&'a Bound<'py, PyAny>),
    Mapping(&'a Bound<'py, PyAny>),
    Setter {
        setter: &'a Bound<'py, PyAny>,
        carrier: &'a Bound<'py, PyAny>,
    },
}

impl<'a, 'py> CarrierTarget<'a, 'py> {
    pub(super) fn new(
        known: &Known,
        carrier: &'a Bound<'py, PyAny>,
        setter: Option<&'a Bound<'py, PyAny>>,
    ) -> Self {
        if let Some(setter) = setter
            && !known.is_default_setter(setter)
        {
            return Self::Setter { setter, carrier };
        }
        Self::of(carrier)
    }

    /// As the API's default setter has it.
    pub(crate) fn of(carrier: &'a Bound<'py, PyAny>) -> Self {
        if let Ok(carrier) = carrier.cast_exact::<PyDict>() {
            Self::Dict(carrier)
        } else if let Ok(carrier) = carrier.cast::<PyList>() {
            Self::Pairs(carrier)
        } else {
            Self::Mapping(carrier)
        }
    }

    pub(super) fn set(
        &self,
        key: &Bound<'py, PyString>,
        value: &Bound<'py, PyString>,
    ) -> PyResult<()> {
        match self {
            Self::Dict(carrier) => carrier.set_item(key, value),
            Self::Pairs(carrier) => set_pair(carrier, key, value),
            Self::Triples(carrier) => set_triple(carrier, key, value),
            Self::LowerCased(carrier) => {
                let name = key.to_str()?;
                if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    carrier.set_item(name.to_ascii_lowercase(), (key, value))
                } else {
                    carrier.set_item(key, (key, value))
                }
            }
            Self::Mapping(carrier) => carrier.set_item(key, value),
            Self::Setter { setter, carrier } => {
                let name = intern!(key.py(), "set");
                setter.call_method1(name, (carrier, key, value)).map(drop)
            }
        }
    }

    /// Sets a text that is known to be ASCII.
    pub(super) fn set_ascii(&self, key: &Bound<'py, PyString>, value: &[u8]) -> PyResult<()> {
        self.set(key, &text::ascii(key.py(), value)?)
    }
}

fn is_pairs(carrier: &Bound<'_, PyAny>) -> bool {
    carrier.is_instance_of::<PyList>() || carrier.is_instance_of::<PyTuple>()
}

/// A name and a value.
enum NameAndValue<'a, 'py> {
    Tuple(&'a Bound<'py, PyTuple>),
    Other(&'a Bound<'py, PyAny>),
}

impl<'py> NameAndValue<'_, 'py> {
    fn name(&self) -> PyResult<Bound<'py, PyAny>> {
        self.item(0)
    }

    fn value(&self) -> PyResult<Bound<'py, PyAny>> {
        self.item(1)
    }

    fn item(&self, place: usize) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Tuple(pair) => pair.get_item(place),
            Self::Other(pair) => pair.get_item(place),
        }
    }
}

/// Calls `visit` with the place of each pair, and the pair; what is none is passed by.
fn for_each_pair<'py>(
    carrier: &Bound<'py, PyAny>,
    mut visit: impl FnMut(usize, NameAndValue<'_, 'py>) -> PyResult<()>,
) -> PyResult<()> {
    let mut take = |place: usize, item: &Bound<'py, PyAny>| {
        if let Ok(pair) = item.cast_exact::<PyTuple>() {
            if pair.len() != 2 {
                return Ok(());
            }
            return visit(place, NameAndValue::Tuple(pair));
        }
        if is_pairs(item) && item.len()? == 2 {
            return visit(place, NameAndValue::Other(item));
        }
        Ok(())
    };
    if let Ok(list) = carrier.cast_exact::<PyList>() {
        return list
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| take(place, &item));
    }
    for (place, item) in carrier.try_iter()?.enumerate() {
        take(place, &item?)?;
    }
    Ok(())
}

/// Names of headers are the same in either case.
fn is_name(name: &Bound<'_, PyAny>, key: &str) -> bool {
    if let Ok(name) = name.cast::<PyBytes>() {
        return name.as_bytes().eq_ignore_ascii_case(key.as_bytes());
    }
    match name.cast::<PyString>() {
        Ok(name) => name
            .to_str()
            .is_ok_and(|name| name.eq_ignore_ascii_case(key)),
        Err(_) => false,
    }
}

// A list keeps its order; a field that is there is replaced, as in a dict.
fn set_pair<'py>(
    carrier: &Bound<'py, PyList>,
    key: &Bound<'py, PyString>,
    value: &Bound<'py, PyString>,
) -> PyResult<()> {
    let py = key.py();
    let value = PyBytes::new(
        py,
        text::of_header(value.as_any())
            .unwrap_or_default()
            .as_bytes(),
    );
    let pair = PyTuple::new(py, [key.as_any(), value.as_any()])?;
    let mut found = None;
    let key = key.to_str().ok();
    for_each_pair(carrier.as_any(), |place, pair| {
        let name = pair.name()?;
        if found.is_none() && key.is_some_and(|key| is_name(&name, key)) {
            found = Some(place);
        }
        Ok(())
    })?;
    match found {
        Some(place) => carrier.set_item(place, pair),
        None => carrier.append(pair),
    }
}

// The first field of that name is replaced, and those after it go.
fn set_triple<'py>(
    carrier: &Bound<'py, PyList>,
    key: &Bound<'py, PyString>,
    value: &Bound<'py, PyString>,
) -> PyResult<()> {
    let py = key.py();
    let (key, value) = (key.to_str()?, value.to_str()?);
    let name = PyBytes::new(py, key.as_bytes());
    let lower = match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => PyBytes::new(py, key.to_ascii_lowercase().as_bytes()),
        false => name.clone(),
    };
    let is_there = |place: usize| -> PyResult<bool> {
        let field = carrier.get_item(place)?;
        let Ok(field) = field.cast::<PyTuple>() else {
            return Ok(false);
        };
        let found = field.get_item(1)?;
        Ok(found
            .cast::<PyBytes>()
            .is_ok_and(|found| found.as_bytes() == lower.as_bytes()))
    };
    let mut first = None;
    let mut place = carrier.len();
    while place > 0 {
        place -= 1;
        if is_there(place)?
            && let Some(later) = first.replace(place)
        {
            carrier.del_item(later)?;
        }
    }
    let value = PyBytes::new(py, value.as_bytes());
    let field = (name, lower.clone(), value).into_pyobject(py)?;
    match first {
        Some(place) => carrier.set_item(place, field),
        None => carrier.append(field),
    }
}
