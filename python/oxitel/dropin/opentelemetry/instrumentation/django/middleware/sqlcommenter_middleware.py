"""Official path of oxitel.instrumentation.django_sqlcommenter: the module itself, parts of which
tests of programs replace."""

import sys

from oxitel.instrumentation import django_sqlcommenter

sys.modules[__name__] = django_sqlcommenter
