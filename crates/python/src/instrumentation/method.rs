//! `Method`: what native objects in the place of a class's function share. They are bound to an instance as
//! a function is, and called as one is: with pointers to the arguments, of which the object protocol would
//! make a tuple and a dict for each call.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::{Borrowed, PyClass};

#[expect(unsafe_code, reason = "pyo3 has no binding of it")]
unsafe extern "C" {
    // Stable, but without a binding in pyo3.
    fn PyMethod_New(
        function: *mut ffi::PyObject,
        instance: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject;
}

/// A native object in the place of a function in a class.
pub(super) trait Method:
    PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync
{
    /// The function, which is called where nothing else can be done.
    fn original(&self) -> &Py<PyAny>;

    fn entry(&self) -> &Entry;

    fn called<'py>(&self, arguments: &Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Where the interpreter finds what to call, at the same place in each object of a class.
pub(super) struct Entry(Option<ffi::vectorcallfunc>);

impl Entry {
    pub(super) const fn of<T: Method>() -> Self {
        Self(Some(called::<T>))
    }

    /// False while an object is being made: up to CPython 3.12, its dict is, and the garbage collector may
    /// look at it, while the rest of it is zeros.
    pub(super) const fn is_made(&self) -> bool {
        self.0.is_some()
    }
}

/// The arguments of a call, the instance the first of them.
pub(super) struct Arguments<'a, 'py> {
    py: Python<'py>,
    values: *const *mut ffi::PyObject,
    /// With a flag of the protocol's.
    count: usize,
    /// Of the keywords, whose values follow the others; or null.
    names: *mut ffi::PyObject,
    caller: PhantomData<&'a ()>,
}

impl<'a, 'py> Arguments<'a, 'py> {
    pub(super) const fn py(&self) -> Python<'py> {
        self.py
    }

    #[expect(unsafe_code, reason = "arguments are pointers")]
    fn positional(&self) -> usize {
        // SAFETY: it masks a flag.
        unsafe { ffi::PyVectorcall_NARGS(self.count) as usize }
    }

    /// One that is given by its place.
    #[expect(unsafe_code, reason = "arguments are pointers")]
    pub(super) fn get(&self, place: usize) -> Option<Borrowed<'a, 'py, PyAny>> {
        if place >= self.positional() {
            return None;
        }
        // SAFETY: there are so many live objects, which the caller keeps.
        unsafe { Some(Borrowed::from_ptr(self.py, *self.values.add(place))) }
    }

    /// Calls `function` with the same arguments.
    #[expect(unsafe_code, reason = "arguments are pointers")]
    pub(super) fn call(&self, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: they are as this call was given them; the result is a new reference or null with an error.
        unsafe {
            let result =
                ffi::PyObject_Vectorcall(function.as_ptr(), self.values, self.count, self.names);
            Bound::from_owned_ptr_or_err(self.py, result)
        }
    }

    /// Calls `function` with the same arguments after `first`.
    #[expect(unsafe_code, reason = "arguments are pointers")]
    pub(super) fn call_after(
        &self,
        first: &Bound<'py, PyAny>,
        function: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let positional = self.positional();
        // SAFETY: as in `call`; the values of keywords follow those by place.
        unsafe {
            let keywords = match self.names.is_null() {
                true => 0,
                false => ffi::PyTuple_GET_SIZE(self.names) as usize,
            };
            let given = std::slice::from_raw_parts(self.values, positional + keywords);
            let mut all = Vec::with_capacity(given.len() + 1);
            all.push(first.as_ptr());
            all.extend_from_slice(given);
            let count = positional + 1;
            let result =
                ffi::PyObject_Vectorcall(function.as_ptr(), all.as_ptr(), count, self.names);
            Bound::from_owned_ptr_or_err(self.py, result)
        }
    }
}

/// A new object of the class `T`, which is called with pointers from now on.
#[expect(unsafe_code, reason = "pyo3 has no classes that are called so")]
pub(super) fn new<T: Method + Into<PyClassInitializer<T>>>(
    py: Python<'_>,
    value: T,
) -> PyResult<Bound<'_, T>> {
    let method = Bound::new(py, value)?;
    // Without a global lock, a class cannot be changed while others look at it.
    #[cfg(not(Py_GIL_DISABLED))]
    {
        let entry = std::ptr::from_ref(method.get().entry()).addr();
        let offset = entry - method.as_ptr().addr();
        // SAFETY: the class is ours, final, and of a fixed layout: in all its objects, the entry is there.
        unsafe {
            let class = ffi::Py_TYPE(method.as_ptr());
            if (*class).tp_vectorcall_offset == 0 {
                (*class).tp_vectorcall_offset = offset as ffi::Py_ssize_t;
                (*class).tp_flags |=
                    ffi::Py_TPFLAGS_HAVE_VECTORCALL | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR;
                ffi::PyType_Modified(class);
            }
        }
    }
    Ok(method)
}

/// `function` as a method of `instance`; itself where it is asked for by the class.
#[expect(unsafe_code, reason = "PyMethod_New has no safe binding")]
pub(super) fn bound<'py>(
    function: Bound<'py, PyAny>,
    instance: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(instance) = instance.filter(|instance| !instance.is_none()) else {
        return Ok(function);
    };
    // SAFETY: both are live objects; the result is a new reference or null with an error.
    unsafe {
        let method = PyMethod_New(function.as_ptr(), instance.as_ptr());
        Bound::from_owned_ptr_or_err(function.py(), method)
    }
}

/// What `__call__` does, for those who give a tuple and a dict.
pub(super) fn call<'py, T: Method>(
    method: &Bound<'py, T>,
    arguments: &Bound<'py, pyo3::types::PyTuple>,
    keywords: Option<&Bound<'py, pyo3::types::PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = method.py();
    let mut values = arguments.iter().collect::<Vec<_>>();
    let mut names = Vec::new();
    for (name, value) in keywords.into_iter().flatten() {
        names.push(name);
        values.push(value);
    }
    let names = pyo3::types::PyTuple::new(py, names)?;
    let pointers = values.iter().map(Bound::as_ptr).collect::<Vec<_>>();
    let given = Arguments {
        py,
        values: pointers.as_ptr(),
        count: arguments.len(),
        names: names.as_ptr(),
        caller: PhantomData,
    };
    let result = method.get().called(&given);
    drop((values, names));
    result
}

/// What the interpreter calls.
#[expect(unsafe_code, reason = "it is called by C, with pointers")]
unsafe extern "C" fn called<T: Method>(
    method: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let call = |py: Python<'_>| {
        // SAFETY: whoever calls has a reference.
        let method = unsafe { Bound::from_borrowed_ptr(py, method) };
        let arguments = Arguments {
            py,
            values,
            count,
            names,
            caller: PhantomData,
        };
        // SAFETY: it is the entry of this class.
        let own = unsafe { method.cast_unchecked::<T>() };
        let result = catch_unwind(AssertUnwindSafe(|| own.get().called(&arguments)));
        match result.unwrap_or_else(|_| Err(PyRuntimeError::new_err("a call could not be traced")))
        {
            Ok(answer) => answer.into_ptr(),
            Err(error) => {
                error.restore(py);
                std::ptr::null_mut()
            }
        }
    };
    match Python::try_attach(call) {
        Some(result) => result,
        // At the end of the interpreter.
        // SAFETY: as above; the caller is attached.
        None => unsafe {
            let py = Python::assume_attached();
            let own = Borrowed::from_ptr(py, method).cast_unchecked::<T>();
            ffi::PyObject_Vectorcall(own.get().original().as_ptr(), values, count, names)
        },
    }
}
