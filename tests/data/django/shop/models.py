"""What the sample site sells."""

from django.db import models


class Coupon(models.Model):
    name = models.CharField(max_length=40, unique=True)
    percent = models.PositiveIntegerField()
    active = models.BooleanField(default=True)

    def __str__(self):
        return self.name


class Document(models.Model):
    title = models.CharField(max_length=40)
    file = models.FileField(upload_to="documents")

    def __str__(self):
        return self.title
